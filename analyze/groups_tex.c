/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/groups.h"

#include <math.h>
#include <string.h>

static const struct {
    char plain;
    const char *escaped;
} specials[] = {
    {'\\', "\\textbackslash{}"},
    {'{', "\\{"},
    {'}', "\\}"},
    {'$', "\\$"},
    {'&', "\\&"},
    {'#', "\\#"},
    {'%', "\\%"},
    {'_', "\\_"},
    {'~', "\\textasciitilde{}"},
    {'^', "\\textasciicircum{}"},
};

static void print_text(FILE *file, const char *text) {
    for (; *text; text++) {
        const char *escaped = NULL;
        for (size_t i = 0; i < sizeof specials / sizeof *specials; i++)
            if (specials[i].plain == *text) escaped = specials[i].escaped;
        if (escaped)
            fputs(escaped, file);
        else
            fputc(*text, file);
    }
}

static void print_percent(FILE *file, double share) {
    if (isnan(share))
        fputs(" & --", file);
    else
        fprintf(file, " & $%.2f$", 100 * share);
}

/* In points, with its sign. */
static void print_difference(FILE *file, double difference) {
    if (isnan(difference))
        fputs(" & --", file);
    else
        fprintf(file, " & $%+.2f$", 100 * difference);
}

static void print_estimate(FILE *file, struct sm_estimate estimate) {
    if (isnan(estimate.mean) || isnan(estimate.sd)) {
        print_percent(file, estimate.mean);
        return;
    }
    fprintf(file, " & $%.2f \\pm %.2f$", 100 * estimate.mean, 50 * (estimate.high - estimate.low));
}

/* Why a row is not simply to be compared, and its mark. */
static bool departs(const struct sm_group *group) {
    return *group->published.departures;
}

static bool has_rounds(const struct sm_group *group) {
    return group->first->in_rounds;
}

static bool is_unfinished(const struct sm_group *group) {
    return group->n_unfinished > 0;
}

static const struct {
    bool (*applies)(const struct sm_group *group);
    const char *mark, *text;
} marks[] = {
    {departs, "\\dagger", "Settings or data depart from the shipped recipe of that name."},
    {has_rounds, "\\ddagger", "Measured: the last round. Published: the best one."},
    {is_unfinished, "\\S", "Measured before the end of training."},
};
enum { N_MARKS = sizeof marks / sizeof *marks };

static void print_marks(const struct sm_group *group, FILE *file) {
    for (size_t m = 0; m < N_MARKS; m++)
        if (marks[m].applies(group)) fprintf(file, "$^%s$", marks[m].mark);
}

static void explain_marks(const struct sm_groups *groups, FILE *file) {
    for (size_t m = 0; m < N_MARKS; m++) {
        size_t g = 0;
        while (g < groups->n_groups && !marks[m].applies(&groups->group[g])) g++;
        if (g < groups->n_groups)
            fprintf(file, "\\multicolumn{11}{l}{\\footnotesize $^%s$ %s} \\\\\n", marks[m].mark, marks[m].text);
    }
}

static void print_group(const struct sm_groups *groups, const struct sm_group *group, FILE *file) {
    const struct sm_run_summary *first = &groups->summary[group->member[0]];
    print_text(file, first->recipe);
    if (strcmp(group->variant, "-") != 0) {
        fputs(" (", file);
        print_text(file, group->variant);
        fputc(')', file);
    }
    print_marks(group, file);
    const char *const names[] = {first->network, first->dataset, first->method};
    for (size_t i = 0; i < 3; i++) {
        fputs(" & ", file);
        print_text(file, names[i]);
    }
    fprintf(file, " & %zu", group->n_members);
    print_estimate(file, group->estimate[SM_GROUP_test_accuracy]);
    print_percent(file, group->published.accuracy);
    print_difference(file, sm_group_accuracy_difference(group));
    print_estimate(file, group->estimate[SM_GROUP_remaining]);
    print_percent(file, group->published.remaining);
    print_difference(file, sm_group_remaining_difference(group));
    fputs(" \\\\\n", file);
}

void sm_groups_print_tex(const struct sm_groups *groups, FILE *file) {
    fputs("% Mean over seeds and half width of its 95 % t interval, what was published, and the difference; needs\n"
          "% \\usepackage{booktabs}.\n"
          "{\\small\\setlength{\\tabcolsep}{3pt}%\n"
          "\\begin{tabular}{llllrrrrrrr}\n\\toprule\n"
          "Recipe & Network & Data & Method & Runs & \\multicolumn{3}{c}{Test accuracy (\\%)} & "
          "\\multicolumn{3}{c}{Remaining weights (\\%)} \\\\\n"
          "\\cmidrule(lr){6-8}\\cmidrule(lr){9-11}\n"
          " & & & & & measured & published & diff. & measured & published & diff. \\\\\n\\midrule\n",
          file);
    for (size_t g = 0; g < groups->n_groups; g++) print_group(groups, &groups->group[g], file);
    fputs("\\bottomrule\n", file);
    explain_marks(groups, file);
    fputs("\\end{tabular}}\n", file);
}
