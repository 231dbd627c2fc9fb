/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/question.h"

#include <string.h>

const struct sm_question sm_questions[] = {
    {"sparse", "How sparse, how accurate?", sm_findings_sparse, {"groups", "summary", "ratios", "rounds", "weights"}},
    {"same", "Do two seeds find the same network?", sm_findings_overlap, {"overlap", "alignment", "matches", "layers"}},
    {"neurons",
     "Which neurons survive and matter?",
     sm_findings_neurons,
     {"concentration", "interfaces", "neurons", "ablation"}},
    {"when",
     "When were they chosen?",
     sm_findings_when,
     {"earlybird", "settling", "flips", "oscillation", "similarity"}},
    {"chance", "Is it more than chance?", sm_findings_chance, {"controls", "thresholds"}},
    {"agreement", "Do seeds agree on who matters?", sm_findings_agreement, {"consistency", "ensemble"}},
    {"methods", "Do methods find the same network?", NULL, {"methods", "methods-units"}},
    {"more", "And more", NULL, {NULL}},
};

const size_t sm_n_questions = sizeof sm_questions / sizeof *sm_questions;

static bool names(const struct sm_question *question, const char *table) {
    for (size_t t = 0; t < SM_QUESTION_TABLES && question->tables[t]; t++)
        if (strcmp(question->tables[t], table) == 0) return true;
    return false;
}

size_t sm_question_of_table(const char *table) {
    size_t q = 0;
    while (q + 1 < sm_n_questions && !names(&sm_questions[q], table)) q++;
    return q;
}

size_t sm_question_of_figure(const struct sm_figure *figure) {
    return sm_question_of_table(figure->tables[0] ? figure->tables[0] : "");
}
