/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/groups.h"

#include <inttypes.h>

#include "analyze/json.h"

static void print_key(FILE *file, const char *indent, const char *key) {
    fputs(indent, file);
    sm_json_string(file, key);
    fputs(": ", file);
}

static void print_run(const struct sm_run_summary *summary, FILE *file) {
    fputs("    {", file);
    for (size_t i = 0; i < sm_n_summary_fields; i++) {
        const struct sm_summary_field *field = &sm_summary_fields[i];
        print_key(file, i ? ", " : "", field->name);
        switch (field->kind) {
        case SM_FIELD_TEXT:
            sm_json_string(file, sm_summary_text(summary, field));
            break;
        case SM_FIELD_COUNT:
            fprintf(file, "%" PRIu64, sm_summary_count(summary, field));
            break;
        case SM_FIELD_REAL:
            sm_json_real(file, sm_summary_real(summary, field));
            break;
        }
    }
    fputc('}', file);
}

static void print_named_real(FILE *file, const char *name, double value) {
    print_key(file, ", ", name);
    sm_json_real(file, value);
}

static void print_estimate(FILE *file, const char *name, struct sm_estimate estimate) {
    print_key(file, ", ", name);
    fputs("{\"mean\": ", file);
    sm_json_real(file, estimate.mean);
    print_named_real(file, "sd", estimate.sd);
    print_named_real(file, "low", estimate.low);
    print_named_real(file, "high", estimate.high);
    fputc('}', file);
}

static void print_group(const struct sm_groups *groups, const struct sm_group *group, FILE *file) {
    const struct sm_run_summary *first = &groups->summary[group->member[0]];
    const struct {
        const char *key, *value;
    } texts[] = {{"network", first->network},
                 {"dataset", first->dataset},
                 {"method", first->method},
                 {"recipe", first->recipe},
                 {"variant", group->variant}};
    fputs("    {", file);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        print_key(file, i ? ", " : "", texts[i].key);
        sm_json_string(file, texts[i].value);
    }
    fputs(", \"runs\": [", file);
    for (size_t m = 0; m < group->n_members; m++) {
        fputs(m ? ", " : "", file);
        sm_json_string(file, groups->summary[group->member[m]].run);
    }
    fputc(']', file);
    for (int which = 0; which < SM_N_GROUP_METRICS; which++)
        print_estimate(file, sm_group_metric_names[which], group->estimate[which]);
    print_named_real(file, "published_accuracy", group->published.accuracy);
    print_named_real(file, "accuracy_difference", sm_group_accuracy_difference(group));
    print_named_real(file, "published_remaining", group->published.remaining);
    print_named_real(file, "remaining_difference", sm_group_remaining_difference(group));
    print_key(file, ", ", "departures");
    sm_json_string(file, group->published.departures);
    print_key(file, ", ", "unfinished");
    fprintf(file, "%zu", group->n_unfinished);
    fputc('}', file);
}

void sm_groups_print_json(const struct sm_groups *groups, const char *command_line, FILE *file) {
    fputs("{\n  \"format\": \"supermask-summary\",\n  \"format_version\": 1,\n  \"program_version\": ", file);
    sm_json_string(file, SM_VERSION);
    fputs(",\n  \"command_line\": ", file);
    sm_json_string(file, command_line);
    fputs(",\n  \"runs\": [\n", file);
    for (size_t i = 0; i < groups->n_runs; i++) {
        print_run(&groups->summary[i], file);
        fputs(i + 1 < groups->n_runs ? ",\n" : "\n", file);
    }
    fputs("  ],\n  \"groups\": [\n", file);
    for (size_t g = 0; g < groups->n_groups; g++) {
        print_group(groups, &groups->group[g], file);
        fputs(g + 1 < groups->n_groups ? ",\n" : "\n", file);
    }
    fputs("  ]\n}\n", file);
}
