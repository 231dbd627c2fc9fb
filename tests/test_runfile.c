/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The run file: round trips, what h5py sees, broken files, locks, the checkpoint. */
#include "network_compare.h"
#include "runfile_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

static const char python[] = "/usr/bin/python3";

/* The folder of the Python witnesses, beside this source. */
static const char *oracle(void) {
    const char *given = getenv("SM_SOURCE");
    static char path[256];
    snprintf(path, sizeof path, "%s/tests/oracle", given ? given : ".");
    return path;
}

static bool has_oracle(void) {
    static int status = -1; /* of one probe for all tests: Python takes longer to start than most of them */
    if (status < 0) {
        char probe[512];
        snprintf(probe, sizeof probe, "cd %s 2>/dev/null && %s -c 'import h5py, runfile' 2>/dev/null", oracle(),
                 python);
        status = system(probe);
    }
    if (status == 0) return true;
    print_message("skipped: h5py or tests/oracle (set SM_SOURCE) is not there\n");
    return false;
}

static void run_oracle(const char *script, const char *arguments) {
    char command[1024];
    snprintf(command, sizeof command, "%s %s/%s %s", python, oracle(), script, arguments);
    if (system(command) != 0) fail_msg("%s", command);
}

/* Python statements on `f`, the file at `path` opened for change. */
static void edit(const char *path, const char *statements) {
    char command[2048];
    snprintf(command, sizeof command, "%s -c \"import h5py, numpy as np\nf = h5py.File('%s', 'r+')\n%s\nf.close()\"",
             python, path, statements);
    if (system(command) != 0) fail_msg("%s", command);
}

static void write_run(const struct fixture *f, size_t records, bool finished) {
    struct sm_error err = {""};
    struct sm_run_writer *writer;
    if (fixture_create(f, &writer, &err) < 0 || fixture_append_to(f, writer, records, &err) < 0 ||
        (finished ? fixture_finish(f, writer, &err) : sm_run_close(writer, &err)) < 0)
        fail_msg("%s", err.text);
}

static void open_run(struct sm_run *run, const char *path) {
    struct sm_error err = {""};
    if (sm_run_open(run, path, &err) < 0) fail_msg("%s", err.text);
}

/* ---- round trips ---- */

static void check_header(const struct fixture *f, const struct sm_run *run) {
    assert_string_equal(run->path, f->path);
    assert_string_equal(run->name, "run.one");
    assert_string_equal(run->program_version, "9.8.7");
    assert_string_equal(run->command_line, "supermask-train x --seed 3");
    assert_string_equal(run->recipe, "name: tiny # \xce\xbc\nepochs: 3\n");
    assert_string_equal(run->recipe_name, "tiny-recipe");
    assert_string_equal(run->dataset, "digits");
    assert_string_equal(run->dataset_sha256, "0123456789abcdef");
    assert_true(run->weight_seed == UINT64_MAX && run->score_seed == 2 && run->data_seed == 3);
    assert_int_equal(strlen(run->created), strlen("2026-01-02T03:04:05Z"));
    assert_int_equal(run->n_host, 2);
    assert_string_equal(run->host[0].name, "blas");
    assert_string_equal(run->host[0].value, "\xce\xbc-blas");
}

static void check_network(const struct fixture *f, const struct sm_run *run) {
    const struct sm_network *a = &f->net, *b = &run->net;
    assert_string_equal(a->name, b->name);
    assert_int_equal(a->input_channels, b->input_channels);
    assert_int_equal(a->input_height, b->input_height);
    assert_int_equal(a->input_width, b->input_width);
    assert_int_equal(a->n_layers, b->n_layers);
    for (size_t l = 0; l < a->n_layers; l++) {
        const struct sm_layer *x = &a->layers[l], *y = &b->layers[l];
        assert_string_equal(x->name, y->name);
        assert_true(x->kind == y->kind && x->activation == y->activation && x->stride == y->stride);
        assert_true(x->n_out == y->n_out && x->n_in == y->n_in);
        assert_true(x->kernel_height == y->kernel_height && x->kernel_width == y->kernel_width);
        assert_int_equal(x->n_inputs, y->n_inputs);
        assert_memory_equal(x->inputs, y->inputs, x->n_inputs * sizeof *x->inputs);
        assert_true(run->threshold[l] == f->threshold[l]);
    }
}

enum { DENSE = 1, SCORES = 2, ROUNDS = 4 };

static void set_kind(struct fixture *f, int kind) {
    f->dense_method = kind & DENSE;
    f->record_scores = kind & SCORES;
    f->in_rounds = kind & ROUNDS;
}

/* Masks lie over the weights in place, the trained or the initial ones; of earlier records only the initial ones. */
static void check_acting_weights(const struct fixture *f, const struct sm_run *run) {
    const enum sm_run_values trained = f->dense_method ? SM_FINAL_WEIGHTS : SM_INITIAL_WEIGHTS;
    for (size_t r = 0; r < run->n_records; r++) {
        const bool last = r + 1 == run->n_records && run->complete;
        const enum sm_run_values at_end = f->in_rounds ? SM_MASK_WEIGHTS : trained;
        assert_int_equal(sm_run_acting_weights(run, r), last ? at_end : SM_INITIAL_WEIGHTS);
    }
}

static void round_trip(void (*network)(struct sm_network *), int kind) {
    struct fixture f;
    struct sm_run run;
    struct sm_error err = {""};
    fixture_init(&f, network);
    set_kind(&f, kind);
    write_run(&f, FIXTURE_RECORDS, true);
    open_run(&run, f.path);
    check_header(&f, &run);
    check_network(&f, &run);
    check_run(&f, &run);
    assert_true(run.complete && run.has_final);
    assert_true(run.trains_weights == f.dense_method && run.has_scores != f.dense_method);
    assert_true(run.has_score_records == f.record_scores);
    assert_int_equal(run.n_records, FIXTURE_RECORDS);
    assert_int_equal(run.n_metrics, FIXTURE_RECORDS - 1);
    assert_int_equal(run.n_rounds, f.in_rounds ? FIXTURE_RECORDS : 0);
    check_norms(&run);
    check_acting_weights(&f, &run);
    float value[24];
    if (f.record_scores) {
        assert_int_equal(sm_run_read_scores(&run, 0, 3, value, &err), 0);
        for (size_t i = 0; i < 24; i++) assert_true(value[i] == fixture_real(0, 103, i));
    }
    if (f.dense_method) {
        assert_int_equal(sm_run_read_values(&run, 0, SM_INITIAL_SCORES, value, &err), -1);
        assert_non_null(strstr(err.text, "has no layers/hidden/initial_scores"));
    }
    sm_run_destroy(&run);
    if (has_oracle()) run_oracle("check_layout.py", f.path);
    fixture_destroy(&f);
}

static void test_dense_network(void **state) {
    (void)state;
    round_trip(fixture_dense, SCORES);
}
static void test_trained_weights(void **state) {
    (void)state;
    round_trip(fixture_dense, DENSE);
}
static void test_rounds(void **state) {
    (void)state;
    round_trip(fixture_dense, DENSE | ROUNDS);
    round_trip(fixture_residual, ROUNDS);
}
static void test_residual_network(void **state) {
    (void)state;
    round_trip(fixture_residual, 0);
}

static void test_described_network(void **state) {
    (void)state;
    struct fixture f;
    struct sm_run run;
    round_trip(fixture_described, 0);
    fixture_init(&f, fixture_described);
    write_run(&f, 1, false);
    open_run(&run, f.path);
    assert_int_equal(run.net.n_nodes, 9);
    assert_true(same_network(&f.net, &run.net));
    sm_run_destroy(&run);
    fixture_destroy(&f);
}

/* Without a description a stack of dense layers has its nodes, and a network of convolutions has none. */
static void test_file_without_a_description(void **state) {
    (void)state;
    struct fixture f;
    struct sm_run run;
    if (!has_oracle()) skip();
    fixture_init(&f, fixture_described);
    write_run(&f, 1, true);
    edit(f.path, "del f['network_description'], f['layers/stem'].attrs['padding']");
    open_run(&run, f.path);
    assert_int_equal(run.net.n_nodes, 0);
    assert_int_equal(run.net.n_layers, f.net.n_layers);
    assert_true(run.net.layers[0].padding == SM_SAME);
    sm_run_destroy(&run);
    fixture_destroy(&f);
    fixture_init(&f, fixture_dense);
    write_run(&f, 1, true);
    open_run(&run, f.path);
    assert_int_equal(run.net.n_nodes, 2);
    assert_string_equal(run.net.nodes[1].name, "a_last");
    assert_int_equal(run.net.nodes[1].inputs[0], 0);
    sm_run_destroy(&run);
    fixture_destroy(&f);
}

/* A file that h5py has written, read by us: numbers worked out here by hand. */
static void test_file_of_another_writer(void **state) {
    (void)state;
    if (!has_oracle()) skip();
    char command[1024], path[] = "/tmp/supermask-other-XXXXXX";
    int fd = mkstemp(path);
    close(fd);
    snprintf(command, sizeof command,
             "cd %s && %s -c \"import numpy as np, runfile\n"
             "a = runfile.Layer('a', [[[1, 0, -1], [0, 0, 1]], [[1, 0, 0], [-1, 0, 1]]], threshold=0.5)\n"
             "b = runfile.Layer('b', [[[1, -1]], [[0, -1]]], inputs=['a'], activation='linear')\n"
             "rounds = dict(test_accuracy=[.5, .75], early_stop_step=[float('nan'), 7])\n"
             "runfile.write('%s', [a, b], input_shape=(1, 1, 3), steps=[0, 7], epochs=[0, .25], rounds=rounds)\"",
             oracle(), python, path);
    assert_int_equal(system(command), 0);
    struct sm_run run;
    struct sm_error err;
    int8_t mask[6];
    open_run(&run, path);
    assert_int_equal(run.n_records, 2);
    assert_true(run.step[1] == 7 && run.epoch[1] == 0.25 && run.threshold[0] == 0.5);
    assert_int_equal(run.n_rounds, 2);
    assert_true(run.rounds[0].test_accuracy == 0.5 && run.rounds[1].test_accuracy == 0.75);
    assert_true(isnan(run.rounds[0].early_stop_step) && run.rounds[1].early_stop_step == 7);
    assert_true(isnan(run.rounds[1].trained_loss));
    assert_int_equal(sm_run_read_mask(&run, 0, 1, mask, &err), 0);
    assert_memory_equal(mask, ((const int8_t[]){1, 0, 0, -1, 0, 1}), 6);
    assert_int_equal(sm_run_read_mask(&run, 1, 0, mask, &err), 0);
    assert_memory_equal(mask, ((const int8_t[]){1, -1}), 2);
    assert_int_equal(run.net.layers[1].inputs[0], 0);
    sm_run_destroy(&run);
    unlink(path);
}

/* ---- resume ---- */

static void resume_at(void (*network)(struct sm_network *), size_t records, int kind) {
    struct fixture whole, parts;
    struct sm_error err = {""};
    struct sm_run_writer *writer;
    struct sm_run run;
    fixture_init(&whole, network);
    fixture_init(&parts, network);
    set_kind(&whole, kind);
    set_kind(&parts, kind);
    write_run(&whole, FIXTURE_RECORDS, true);
    write_run(&parts, records, false);
    assert_int_equal(sm_run_resume(&writer, parts.path, &err), 0);
    assert_int_equal(sm_run_n_records(writer), records);
    assert_int_equal(sm_run_n_metrics(writer), records ? records - 1 : 0);
    assert_int_equal(sm_run_n_rounds(writer), parts.in_rounds ? records : 0);
    if (fixture_append_to(&parts, writer, FIXTURE_RECORDS, &err) < 0 || fixture_finish(&parts, writer, &err) < 0)
        fail_msg("%s", err.text);
    open_run(&run, parts.path);
    check_header(&parts, &run);
    check_network(&parts, &run);
    check_run(&parts, &run);
    check_norms(&run);
    sm_run_destroy(&run);
    char arguments[512];
    snprintf(arguments, sizeof arguments, "--same %s %s", whole.path, parts.path);
    if (has_oracle()) run_oracle("check_layout.py", arguments);
    fixture_destroy(&whole);
    fixture_destroy(&parts);
}

static void test_resume(void **state) {
    (void)state;
    for (size_t records = 0; records <= FIXTURE_RECORDS; records++) resume_at(fixture_dense, records, SCORES);
    for (size_t records = 0; records <= FIXTURE_RECORDS; records += 2)
        resume_at(fixture_dense, records, DENSE | ROUNDS);
    resume_at(fixture_residual, 2, 0);
    resume_at(fixture_described, 2, 0);
}

/* Chunks and filters that are not ours are copied by value. */
static void test_resume_of_another_encoding(void **state) {
    (void)state;
    if (!has_oracle()) skip();
    struct fixture f;
    struct sm_error err = {""};
    struct sm_run_writer *writer;
    struct sm_run run;
    fixture_init(&f, fixture_dense);
    write_run(&f, 3, false);
    edit(f.path, "old = f['layers/hidden/mask']\nt, v = old.dtype, old[()]\ndel f['layers/hidden/mask']\n"
                 "f['layers/hidden'].create_dataset('mask', data=v, dtype=t, maxshape=(None, 4, 6), chunks=(2, 3, 5))");
    assert_int_equal(sm_run_resume(&writer, f.path, &err), 0);
    if (fixture_append_to(&f, writer, FIXTURE_RECORDS, &err) < 0 || fixture_finish(&f, writer, &err) < 0)
        fail_msg("%s", err.text);
    open_run(&run, f.path);
    assert_int_equal(run.n_records, FIXTURE_RECORDS);
    check_run(&f, &run);
    sm_run_destroy(&run);
    run_oracle("check_layout.py", f.path);
    fixture_destroy(&f);
}

/* ---- two at a time ---- */

static void test_second_writer(void **state) {
    (void)state;
    struct fixture f;
    struct sm_error err = {""};
    struct sm_run_writer *writer, *second;
    struct sm_run run;
    fixture_init(&f, fixture_dense);
    assert_int_equal(fixture_create(&f, &writer, &err), 0);
    assert_int_equal(sm_run_resume(&second, f.path, &err), -1);
    assert_non_null(strstr(err.text, "is being written by another process"));
    assert_null(second);
    assert_int_equal(fixture_create(&f, &second, &err), -1);
    assert_non_null(strstr(err.text, "exists already"));
    assert_int_equal(fixture_append_to(&f, writer, 2, &err), 0);
    assert_int_equal(sm_run_close(writer, &err), 0);
    assert_int_equal(sm_run_resume(&writer, f.path, &err), 0);
    assert_int_equal(sm_run_resume(&second, f.path, &err), -1); /* the lock went along to the new file */
    assert_non_null(strstr(err.text, "is being written by another process"));
    assert_int_equal(fixture_append_to(&f, writer, 3, &err), 0);
    assert_int_equal(fixture_finish(&f, writer, &err), 0);
    assert_int_equal(sm_run_resume(&second, f.path, &err), -1);
    assert_non_null(strstr(err.text, "the run is complete"));
    open_run(&run, f.path);
    check_run(&f, &run);
    sm_run_destroy(&run);
    fixture_destroy(&f);
}

/* Another process reads while this one writes; HDF5 shares open files within a process. */
static void test_reader_beside_writer(void **state) {
    (void)state;
    struct fixture f;
    struct sm_error err = {""};
    struct sm_run_writer *writer;
    fixture_init(&f, fixture_dense);
    f.in_rounds = true;
    assert_int_equal(fixture_create(&f, &writer, &err), 0);
    for (size_t r = 0; r < FIXTURE_RECORDS; r++) {
        int status;
        assert_int_equal(fixture_append(&f, writer, r, &err), 0);
        if (r > 0) assert_int_equal(fixture_append_round(writer, r - 1, &err), 0);
        char command[1024];
        snprintf(command, sizeof command,
                 "cd %s && %s -c \"import runfile, sys; run = runfile.read('%s'); "
                 "sys.exit(len(run.step) * 10 + len(run.rounds['test_accuracy']))\"",
                 oracle(), python, f.path);
        if (!has_oracle()) continue;
        status = system(command);
        assert_int_equal(WEXITSTATUS(status), (r + 1) * 10 + r);
    }
    assert_int_equal(sm_run_close(writer, &err), 0);
    fixture_destroy(&f);
}

/* ---- broken files: one sentence each, naming the file and the thing ---- */

static void expect_failure(const char *path, const char *words) {
    struct sm_error err = {""};
    struct sm_run run;
    if (sm_run_open(&run, path, &err) == 0) fail_msg("opened although: %s", words);
    if (strncmp(err.text, path, strlen(path)) != 0 || !strstr(err.text, words))
        fail_msg("%s: not '%s'", err.text, words);
    if (strchr(err.text, '\n') || err.text[strlen(err.text) - 1] == '.') fail_msg("%s", err.text);
    assert_null(run.path); /* everything is freed */
}

static void write_text(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void test_not_a_run_file(void **state) {
    (void)state;
    char path[128], directory[] = "/tmp/supermask-broken-XXXXXX", command[256];
    assert_non_null(mkdtemp(directory));
    expect_failure(directory, "is a directory");
    snprintf(path, sizeof path, "%s/x.h5", directory);
    expect_failure(path, "No such file or directory");
    write_text(path, "");
    expect_failure(path, "is empty");
    write_text(path, "step\tepoch\n");
    expect_failure(path, "is not an HDF5 file");
    if (has_oracle()) {
        snprintf(command, sizeof command, "%s -c \"import h5py; h5py.File('%s', 'w')\"", python, path);
        assert_int_equal(system(command), 0);
        expect_failure(path, "is an HDF5 file, but no run of supermask");
    }
    snprintf(command, sizeof command, "rm -rf %s", directory);
    assert_int_equal(system(command), 0);
}

/* What is done to a whole file, and what is then said. */
struct damage {
    const char *statements, *words;
};

typedef char copy_path[160];

static const char *copy_of(const struct fixture *f, size_t i, copy_path path) {
    snprintf(path, sizeof(copy_path), "%s/copy-%zu.h5", f->directory, i);
    return path;
}

/* A copy of the file for each case, with the case's statements done to it as `f`; one Python does them all. */
static void make_damaged_copies(const struct fixture *f, const struct damage *cases, size_t n) {
    char path[160], command[512];
    copy_path copy;
    snprintf(path, sizeof path, "%s/damage.py", f->directory);
    FILE *script = fopen(path, "w");
    assert_non_null(script);
    fputs("import shutil\nimport h5py, numpy as np\n", script);
    for (size_t i = 0; i < n; i++)
        fprintf(script, "shutil.copyfile('%s', '%s')\nf = h5py.File('%s', 'r+')\n%s\nf.close()\n", f->path,
                copy_of(f, i, copy), copy, cases[i].statements);
    assert_int_equal(fclose(script), 0);
    snprintf(command, sizeof command, "%s %s", python, path);
    if (system(command) != 0) fail_msg("%s", command);
}

static void damage(void (*network)(struct sm_network *), int kind, const struct damage *cases, size_t n) {
    struct fixture f;
    copy_path copy;
    if (!has_oracle()) skip();
    fixture_init(&f, network);
    set_kind(&f, kind);
    write_run(&f, FIXTURE_RECORDS, true);
    make_damaged_copies(&f, cases, n);
    for (size_t i = 0; i < n; i++) expect_failure(copy_of(&f, i, copy), cases[i].words);
    fixture_destroy(&f);
}

static void test_damaged_run(void **state) {
    (void)state;
    static const struct damage cases[] = {
        {"f.attrs['format'] = 'other-run'", "no run of supermask"},
        {"f.attrs['format_version'] = 2", "has format version 2, this program reads up to 1"},
        {"f.attrs['format_version'] = 'one'", "attribute `format_version`"},
        {"f.attrs['status'] = 'done'", "attribute `status` says 'done'"},
        {"f.attrs['rescale'] = 'static'", "attribute `rescale` says 'static'"},
        {"del f.attrs['recipe']", "no attribute `recipe`"},
        {"f.attrs['weight_seed'] = 1.5", "attribute `weight_seed`"},
        {"f.attrs['input_shape'] = [1, 2]", "attribute `input_shape`"},
        {"f.attrs['input_shape'] = [1, 2, 4]", "hidden"},
        {"del f['records/step']", "has no records/step"},
        {"del f['records']", "has no records/step"},
        {"f['records/epoch'].resize((2,))", "records/epoch holds 2 values where 5 belong"},
        {"f['records/step'][2] = 10", "does not rise"},
        {"f['records/step'][0] = -1", "holds no record yet"},
        {"f['records/step'][1] = -5", "records/step says -5 for record 1"},
        {"f['records/step'][0] = -5", "records/step says -5 for record 0"},
        {"f['records/step'][4] = -1", "records/step says -1 for record 4"},
        {"f['records/step'].resize((0,))", "holds no record yet"},
        {"f['records/epoch'][0] = -1", "records/epoch says -1 for row 0"},
        {"f['records/epoch'][4] = float('nan')", "records/epoch says nan for row 4"},
        {"f['records/epoch'][4] = float('inf')", "records/epoch says inf for row 4"},
        {"f['records/epoch'][2] = .25", "records/epoch does not rise from row 1 to 2"},
        {"f['records/epoch'][2] = .5", "records/epoch does not rise from row 1 to 2"},
        {"f['metrics/epoch'][1] = -2", "metrics/epoch says -2 for row 1"},
        {"f['metrics/epoch'][1] = float('nan')", "metrics/epoch says nan for row 1"},
        {"f['metrics/epoch'][3] = float('nan')", "metrics/epoch says nan for row 3"}, /* complete: nothing is to come */
        {"f['metrics/epoch'][1] = 1", "metrics/epoch does not rise from row 0 to 1"},
        {"f['metrics/test_accuracy'][1] = 97.5", "metrics/test_accuracy says 97.5 for row 1, where a share belongs"},
        {"f['metrics/remaining'][2] = -.5", "metrics/remaining says -0.5 for row 2, where a share belongs"},
        {"f['layers/hidden'].attrs['threshold'] = float('-inf')", "layer hidden: attribute `threshold` is infinite"},
        {"f['layers/hidden'].attrs['threshold'] = float('nan')",
         "layer a_last has a `threshold`, and layer hidden has none (NaN)"},
        {"f['layers/a_last'].attrs['threshold'] = float('nan')",
         "layer hidden has a `threshold`, and layer a_last has none (NaN)"},
        {"f.attrs['recipe'] = 'method: \"edge-popup\"'",
         "attribute `method` says 'signed-supermask' where the recipe "},
        {"del f['metrics/test_loss']", "has no metrics/test_loss"},
        {"f['metrics/test_loss'].resize((1,))", "metrics/test_loss holds 1 values where 4 belong"},
        {"del f['layers']", "has no layers"},
        {"del f['layers/hidden/mask']", "has no layers/hidden/mask"},
        {"del f['layers/hidden/initial_weights']", "has no layers/hidden/initial_weights"},
        {"del f['layers/a_last/final_scores']", "has no layers/a_last/final_scores"},
        {"del f['layers/a_last/initial_scores']", "has no layers/a_last/initial_scores"},
        {"f['layers/hidden/mask'].resize((3, 4, 6))", "layers/hidden/mask holds 3 records where records/step has 5"},
        {"del f['layers/hidden/mask']; f['layers/hidden/mask'] = np.zeros((5, 4, 6), 'i1')",
         "layers/hidden/mask has the wrong type"},
        {"t = f['layers/hidden/mask'].dtype; del f['layers/hidden/mask']; "
         "f['layers/hidden'].create_dataset('mask', (5, 24), t)",
         "layers/hidden/mask has rank 2 where 3 belongs"},
        {"t = f['layers/hidden/mask'].dtype; del f['layers/hidden/mask']; "
         "f['layers/hidden'].create_dataset('mask', (5, 6, 4), t)",
         "layers/hidden/mask does not have the shape of the weights"},
        {"t = h5py.enum_dtype({'INVERT': 1, 'HIDE': 0, 'KEEP': -1}, 'i1'); del f['layers/hidden/mask']; "
         "f['layers/hidden'].create_dataset('mask', (5, 4, 6), t)",
         "layers/hidden/mask has the wrong type"},
        {"del f['layers/hidden/final_scores']; f['layers/hidden/final_scores'] = np.zeros((4, 5), 'f4')",
         "layers/hidden/final_scores does not have the shape of the weights"},
        {"f['layers/hidden'].attrs['index'] = 1", "index 1 is taken or out of range"},
        {"f['layers/hidden'].attrs['kind'] = 'lstm'", "unknown kind 'lstm'"},
        {"f['layers/hidden'].attrs['kind'] = 'conv2d'", "initial_weights has rank 2, a conv2d layer has 4"},
        {"f['layers/hidden'].attrs['fan_in'] = 7", "fan_in or fan_out does not fit"},
        {"f['layers/a_last'].attrs.create('inputs', ['nobody'], dtype=h5py.string_dtype())", "is fed by 'nobody'"},
        {"f['layers/hidden'].attrs.create('inputs', ['a_last'], dtype=h5py.string_dtype())", "is fed by 'a_last'"},
        {"f['layers/a_last'].attrs.create('inputs', ['input'], dtype=h5py.string_dtype())", "layer a_last"},
        {"f['layers/a_last'].attrs['inputs'] = [0]", "not text: attribute `inputs`"},
    };
    damage(fixture_dense, 0, cases, sizeof cases / sizeof *cases);
}

static void test_damaged_rounds(void **state) {
    (void)state;
    static const struct damage cases[] = {
        {"del f['rounds/round']", "has no rounds/round"},
        {"del f['rounds/trained_loss']", "has no rounds/trained_loss"},
        {"f['rounds/trained_loss'].resize((4,))", "rounds/trained_loss holds 4 values where 5 belong"},
        {"del f['rounds/trained_loss']; f['rounds/trained_loss'] = np.zeros((5, 2))",
         "rounds/trained_loss is not a list of real numbers"},
        {"del f['rounds/trained_loss']; f['rounds/trained_loss'] = np.zeros(5, 'i8')",
         "rounds/trained_loss is not a list of real numbers"},
        {"del f['rounds/round']; f['rounds/round'] = np.arange(5.)", "rounds/round is not a list of whole numbers"},
        {"del f['rounds']; f['rounds'] = 7", "has no rounds/round"},
        {"f['rounds/round'][3] = 7", "rounds/round says 7 where 3 belongs"},
        {"f['rounds/trained_accuracy'][4] = 98", "rounds/trained_accuracy says 98 for row 4, where a share belongs"},
        {"f['records/step'][2] = 9", "records/step does not rise from record 1 to 2"},
        {"[f['rounds'][name].resize((6,)) for name in f['rounds']]; f['rounds/round'][5] = 5",
         "rounds has 6 rows where records/step has 5"},
        {"del f['layers/a_last/mask_weights']", "has no layers/a_last/mask_weights"},
        {"del f['layers/hidden/mask_weights']; f['layers/hidden/mask_weights'] = np.zeros((4, 5), 'f4')",
         "layers/hidden/mask_weights does not have the shape of the weights"},
        {"del f['layers/hidden/mask_weights']; f['layers/hidden/mask_weights'] = np.zeros(24, 'f4')",
         "layers/hidden/mask_weights has rank 1 where 2 belongs"},
        {"del f['layers/hidden/mask_weights']; f['layers/hidden/mask_weights'] = np.zeros((4, 6), 'i1')",
         "layers/hidden/mask_weights has the wrong type"},
    };
    damage(fixture_dense, DENSE | ROUNDS, cases, sizeof cases / sizeof *cases);
}

/* A row that was never finished, and a file whose rounds have not begun. */
static void test_unfinished_rounds(void **state) {
    (void)state;
    struct fixture f;
    struct sm_run run;
    if (!has_oracle()) skip();
    fixture_init(&f, fixture_dense);
    set_kind(&f, DENSE | ROUNDS);
    write_run(&f, 3, false);
    edit(f.path, "f['rounds/round'][2] = -1");
    open_run(&run, f.path);
    assert_int_equal(run.n_rounds, 2);
    check_run(&f, &run);
    check_acting_weights(&f, &run);
    sm_run_destroy(&run);
    edit(f.path, "f['records/step'][2] = f['records/step'][1]"); /* a round without training */
    open_run(&run, f.path);
    assert_int_equal(run.n_records, 3);
    sm_run_destroy(&run);
    edit(f.path, "[f['rounds'][name].resize((0,)) for name in f['rounds']]");
    open_run(&run, f.path);
    assert_true(run.in_rounds && run.n_rounds == 0);
    sm_run_destroy(&run);
    fixture_destroy(&f);
}

/* Values that no run writes: each reading says so, whichever weights they are. */
static void test_no_numbers(void **state) {
    (void)state;
    static const struct {
        const char *set, *value, *words;
        enum sm_run_values which;
    } cases[] = {
        {"initial_weights", "np.nan", "layers/hidden/initial_weights holds the value nan, for weight 9 of 24",
         SM_INITIAL_WEIGHTS},
        {"final_weights", "np.inf", "layers/hidden/final_weights holds the value inf", SM_FINAL_WEIGHTS},
        {"mask_weights", "-np.inf", "layers/hidden/mask_weights holds the value -inf", SM_MASK_WEIGHTS},
    };
    struct fixture f;
    if (!has_oracle()) skip();
    fixture_init(&f, fixture_dense);
    set_kind(&f, DENSE | ROUNDS);
    write_run(&f, FIXTURE_RECORDS, true);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char statement[128];
        struct sm_run run;
        struct sm_error err = {""};
        float values[24];
        snprintf(statement, sizeof statement, "f['layers/hidden/%s'][1, 3] = %s", cases[i].set, cases[i].value);
        edit(f.path, statement);
        open_run(&run, f.path);
        assert_int_equal(sm_run_read_values(&run, 0, cases[i].which, values, &err), -1);
        if (!strstr(err.text, cases[i].words)) fail_msg("%s: not '%s'", err.text, cases[i].words);
        sm_run_destroy(&run);
    }
    fixture_destroy(&f);
}

/* A method that another build of the program has; a recipe that tells no method, or is none. */
static void test_foreign_method(void **state) {
    (void)state;
    static const char *const recipes[] = {"method: random-mask\\nnew_key: 7", "name: tiny", "no recipe"};
    struct fixture f;
    struct sm_run run;
    if (!has_oracle()) skip();
    fixture_init(&f, fixture_dense);
    write_run(&f, FIXTURE_RECORDS, true);
    edit(f.path, "f.attrs['method'] = 'random-mask'\n"
                 "for layer in f['layers'].values(): layer.attrs['threshold'] = np.nan");
    for (size_t i = 0; i < sizeof recipes / sizeof *recipes; i++) {
        char statement[128];
        snprintf(statement, sizeof statement, "f.attrs['recipe'] = '%s'", recipes[i]);
        edit(f.path, statement);
        open_run(&run, f.path);
        assert_string_equal(run.method, "random-mask");
        assert_true(isnan(run.threshold[0]) && isnan(run.threshold[1]));
        sm_run_destroy(&run);
    }
    fixture_destroy(&f);
}

#define SET(text) "f['network_description'][()] = " text
#define OLD "f['network_description'].asstr()[()]"
static void test_damaged_description(void **state) {
    (void)state;
    static const struct damage cases[] = {
        {SET("''"), "network_description: the file is empty"},
        {SET("'name: n'"), "network_description: the description has no `input`"},
        {SET(OLD ".replace('filters', 'filter', 1)"), "network_description:4: unknown key 'filter' (nearest: filters)"},
        {SET(OLD ".replace('units: 3', 'units: 4')"),
         "network_description describes layer dense5, and layers/dense5 is"},
        {SET(OLD ".replace('valid', 'same')"), "network_description"},
        {SET(OLD ".replace('relu', 'elu')"), "network_description describes layer -, and layers/- is another"},
        {SET(OLD ".replace('[2, 6, 6]', '[2, 6, 7]')"), "network_description describes another network than the one"},
        {SET(OLD ".replace('described', 'other')"), "network_description describes another network than the one"},
        {SET(OLD "[:-9]"), "network_description:12: found unexpected end of stream"},
        {"del f['network_description']; f['network_description'] = 7", "network_description is not one text"},
        {"del f['network_description']; f['network_description'] = ['a', 'b']", "network_description is not one text"},
        {"del f['network_description']; f.create_group('network_description')", "cannot open network_description"},
        {"f['layers/stem'].attrs['padding'] = 'full'", "layer stem: unknown padding 'full'"},
    };
    damage(fixture_described, 0, cases, sizeof cases / sizeof *cases);
}
#undef SET
#undef OLD

/* Reads the one batch norm of fixture_described from a run whose path is given. */
static void expect_no_norm(const char *path, const char *words) {
    struct sm_run run;
    struct sm_error err = {""};
    struct sm_batch_norm norm;
    open_run(&run, path);
    size_t l = 0;
    while (!fixture_has_norm(&run.net, l)) l++;
    assert_int_equal(sm_batch_norm_init(&norm, run.net.layers[l].n_out), 0);
    if (sm_run_read_batch_norm(&run, l, &norm, &err) == 0) fail_msg("read although: %s", words);
    if (strncmp(err.text, path, strlen(path)) != 0 || !strstr(err.text, words))
        fail_msg("%s: not '%s'", err.text, words);
    sm_batch_norm_destroy(&norm);
    sm_run_destroy(&run);
}

static void test_damaged_batch_norm(void **state) {
    (void)state;
    static const struct damage cases[] = {
        {"del f['batch_norm']", "has no batch_norm/conv2/gamma"},
        {"del f['batch_norm/conv2']", "has no batch_norm/conv2/gamma"},
        {"del f['batch_norm/conv2/beta']", "has no batch_norm/conv2/beta"},
        {"del f['batch_norm/conv2/beta']; f['batch_norm/conv2/beta'] = np.zeros(5, 'f4')",
         "batch_norm/conv2/beta is not a list of 4 real numbers"},
        {"del f['batch_norm/conv2/beta']; f['batch_norm/conv2/beta'] = np.zeros((2, 2), 'f4')",
         "batch_norm/conv2/beta is not a list of 4 real numbers"},
        {"del f['batch_norm/conv2/beta']; f['batch_norm/conv2/beta'] = np.zeros(4, 'i4')",
         "batch_norm/conv2/beta is not a list of 4 real numbers"},
        {"del f['batch_norm/conv2/gamma']; f.create_group('batch_norm/conv2/gamma')",
         "cannot read batch_norm/conv2/gamma"},
        {"f['batch_norm/conv2/moving_mean'][2] = np.nan", "moving_mean holds the value nan for channel 2"},
        {"f['batch_norm/conv2/moving_variance'][1] = -1", "moving_variance holds the value -1 for channel 1"},
    };
    struct fixture f;
    copy_path copy;
    fixture_init(&f, fixture_described);
    write_run(&f, 2, false);
    expect_no_norm(f.path, "has no batch_norm/conv2/gamma, which is written when the run is complete");
    unlink(f.path);
    write_run(&f, 2, true);
    if (has_oracle()) {
        make_damaged_copies(&f, cases, sizeof cases / sizeof *cases);
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) expect_no_norm(copy_of(&f, i, copy), cases[i].words);
    }
    fixture_destroy(&f);
}

static void test_seven_in_a_mask(void **state) {
    (void)state;
    struct fixture f;
    struct sm_run run;
    struct sm_error err = {""};
    int8_t mask[24];
    if (!has_oracle()) skip();
    fixture_init(&f, fixture_dense);
    write_run(&f, FIXTURE_RECORDS, true);
    edit(f.path, "f['layers/hidden/mask'][2, 1, 3] = 7");
    open_run(&run, f.path);
    assert_int_equal(sm_run_read_mask(&run, 0, 1, mask, &err), 0);
    assert_int_equal(sm_run_read_mask(&run, 0, 2, mask, &err), -1);
    assert_non_null(strstr(err.text, "layer hidden: mask holds the value 7 in record 2"));
    sm_run_destroy(&run);
    fixture_destroy(&f);
}

/* Any part of a record is what stands there in the whole record. */
static void test_part_of_a_mask(void **state) {
    (void)state;
    struct fixture f;
    struct sm_run run;
    struct sm_error err = {""};
    static int8_t whole[3 * 2048 * 16], read[3 * 2048 * 16];
    static const struct sm_mask_part parts[] = {{1, 1, 0, 2}, {0, 2048, 1, 1}, {7, 5, 0, 1}, {3, 0, 0, 2}};
    fixture_init(&f, fixture_residual);
    write_run(&f, 2, true);
    open_run(&run, f.path);
    for (size_t p = 0; p < sizeof parts / sizeof *parts; p++) {
        const struct sm_mask_part *part = &parts[p];
        assert_int_equal(sm_run_read_mask(&run, 0, 1, whole, &err), 0);
        assert_int_equal(sm_run_read_mask_part(&run, 0, 1, part, read, &err), 0);
        for (size_t o = 0; o < part->n_out; o++)
            assert_memory_equal(read + o * part->n_in * 9, whole + ((part->first_out + o) * 2 + part->first_in) * 9,
                                part->n_in * 9);
    }
    const struct sm_mask_part columns = {0, 3, 16 * 100, 16}; /* what one flattened channel sends into dense1 */
    assert_int_equal(sm_run_read_mask(&run, 2, 1, whole, &err), 0);
    assert_int_equal(sm_run_read_mask_part(&run, 2, 1, &columns, read, &err), 0);
    for (size_t o = 0; o < 3; o++) assert_memory_equal(read + o * 16, whole + o * 2048 * 16 + 16 * 100, 16);
    sm_run_destroy(&run);
    fixture_destroy(&f);
}

/* A text of fixed length, as other writers make it, is read too. */
static void test_fixed_text(void **state) {
    (void)state;
    struct fixture f;
    struct sm_run run;
    if (!has_oracle()) skip();
    fixture_init(&f, fixture_dense);
    write_run(&f, 2, true);
    edit(f.path, "f.attrs['dataset'] = np.bytes_('fixed')");
    open_run(&run, f.path);
    assert_string_equal(run.dataset, "fixed");
    sm_run_destroy(&run);
    fixture_destroy(&f);
}

/* Cut anywhere, a file never gives a wrong mask: it does not open, or says that it cannot read. */
static void test_truncated(void **state) {
    (void)state;
    struct fixture f;
    struct stat status;
    fixture_init(&f, fixture_dense);
    write_run(&f, FIXTURE_RECORDS, true);
    assert_int_equal(stat(f.path, &status), 0);
    for (off_t size = status.st_size - 1; size > 0; size -= size > 200 ? 997 : 13) {
        assert_int_equal(truncate(f.path, size), 0);
        expect_failure(f.path, size < 36 && size >= 8 ? "bytes are less than the head of a run file" : "");
    }
    fixture_destroy(&f);
}

static void test_cannot_create(void **state) {
    (void)state;
    struct fixture f;
    struct sm_error err = {""};
    struct sm_run_writer *writer;
    fixture_init(&f, fixture_dense);
    strcpy(f.path, "/tmp/supermask-no-such-directory/run.h5");
    assert_int_equal(fixture_create(&f, &writer, &err), -1);
    assert_non_null(strstr(err.text, "No such file or directory"));
    assert_int_equal(sm_run_resume(&writer, f.path, &err), -1);
    assert_non_null(strstr(err.text, "No such file or directory"));
    fixture_destroy(&f);
}

/* ---- checkpoint ---- */

struct state {
    float scores[5];
    double loss[2];
    int64_t step[1];
};

static void state_arrays(struct state *state, struct sm_array arrays[3]) {
    arrays[0] = (struct sm_array){"scores", SM_F32, 5, state->scores};
    arrays[1] = (struct sm_array){"loss", SM_F64, 2, state->loss};
    arrays[2] = (struct sm_array){"step", SM_I64, 1, state->step};
}

static void test_checkpoint(void **unused) {
    (void)unused;
    struct state written = {{1, -2, 3e-40f, 0, NAN}, {0.1, -1e300}, {INT64_MIN}}, found = {{0}, {0}, {0}};
    struct sm_array out[3], in[3];
    struct sm_error err = {""};
    char path[] = "/tmp/supermask-checkpoint-XXXXXX";
    close(mkstemp(path));
    state_arrays(&written, out);
    state_arrays(&found, in);
    assert_int_equal(sm_checkpoint_write(path, out, 3, &err), 0);
    assert_int_equal(sm_checkpoint_read(path, in, 3, &err), 0);
    assert_memory_equal(written.scores, found.scores, sizeof written.scores);
    assert_memory_equal(written.loss, found.loss, sizeof written.loss);
    assert_int_equal(written.step[0], found.step[0]);
    written.step[0] = 7;
    assert_int_equal(sm_checkpoint_write(path, out, 3, &err), 0); /* replaces */
    assert_int_equal(sm_checkpoint_read(path, in, 3, &err), 0);
    assert_int_equal(found.step[0], 7);
    assert_int_equal(sm_checkpoint_read(path, in, 2, &err), -1);
    in[0].n = 4;
    assert_int_equal(sm_checkpoint_read(path, in, 3, &err), -1);
    assert_non_null(strstr(err.text, "does not hold 4 values of `scores`"));
    in[0].n = 5;
    in[1].name = "other";
    assert_int_equal(sm_checkpoint_read(path, in, 3, &err), -1);
    unlink(path);
    assert_int_equal(sm_checkpoint_read(path, in, 3, &err), -1);
    assert_non_null(strstr(err.text, "No such file or directory"));
    assert_int_equal(sm_checkpoint_write("/tmp/supermask-no-such-directory/c", out, 3, &err), -1);
}

/* Every changed byte and every cut is noticed. */
static void test_damaged_checkpoint(void **unused) {
    (void)unused;
    struct state state = {{1, 2, 3, 4, 5}, {6, 7}, {8}};
    struct sm_array arrays[3];
    struct sm_error err = {""};
    char path[] = "/tmp/supermask-checkpoint-XXXXXX", bytes[1024];
    close(mkstemp(path));
    state_arrays(&state, arrays);
    assert_int_equal(sm_checkpoint_write(path, arrays, 3, &err), 0);
    int fd = open(path, O_RDWR);
    ssize_t n = pread(fd, bytes, sizeof bytes, 0);
    assert_in_range(n, 200, 1000);
    for (ssize_t i = 0; i < n; i++) {
        char changed = (char)(bytes[i] ^ 4);
        assert_int_equal(pwrite(fd, &changed, 1, i), 1);
        assert_int_equal(sm_checkpoint_read(path, arrays, 3, &err), -1);
        assert_int_equal(pwrite(fd, &bytes[i], 1, i), 1);
    }
    assert_int_equal(sm_checkpoint_read(path, arrays, 3, &err), 0);
    assert_int_equal(pwrite(fd, "x", 1, n), 1);
    assert_int_equal(sm_checkpoint_read(path, arrays, 3, &err), -1);
    for (ssize_t size = n - 1; size >= 0; size--) {
        assert_int_equal(ftruncate(fd, size), 0);
        assert_int_equal(sm_checkpoint_read(path, arrays, 3, &err), -1);
    }
    close(fd);
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dense_network),
        cmocka_unit_test(test_trained_weights),
        cmocka_unit_test(test_rounds),
        cmocka_unit_test(test_residual_network),
        cmocka_unit_test(test_described_network),
        cmocka_unit_test(test_file_without_a_description),
        cmocka_unit_test(test_file_of_another_writer),
        cmocka_unit_test(test_resume),
        cmocka_unit_test(test_resume_of_another_encoding),
        cmocka_unit_test(test_second_writer),
        cmocka_unit_test(test_reader_beside_writer),
        cmocka_unit_test(test_not_a_run_file),
        cmocka_unit_test(test_damaged_run),
        cmocka_unit_test(test_damaged_rounds),
        cmocka_unit_test(test_unfinished_rounds),
        cmocka_unit_test(test_damaged_description),
        cmocka_unit_test(test_damaged_batch_norm),
        cmocka_unit_test(test_seven_in_a_mask),
        cmocka_unit_test(test_fixed_text),
        cmocka_unit_test(test_part_of_a_mask),
        cmocka_unit_test(test_no_numbers),
        cmocka_unit_test(test_foreign_method),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_cannot_create),
        cmocka_unit_test(test_checkpoint),
        cmocka_unit_test(test_damaged_checkpoint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
