/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <supermask/clock.h>
#include <supermask/progress.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static const double REDRAW_SECONDS = 0.1, PART_SECONDS = 2;

enum { LINE_SIZE = 512, BAR_WIDTH = 24, NARROWEST = 20, WIDEST = LINE_SIZE - 1, USUAL_WIDTH = 80 };

static bool draws_bar(void) {
    const char *term = getenv("TERM");
    return isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0 && !getenv("NO_COLOR") && !getenv("CI");
}

static int terminal_width(void) {
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return USUAL_WIDTH;
    if (size.ws_col < NARROWEST) return NARROWEST;
    return size.ws_col > WIDEST ? WIDEST : size.ws_col;
}

/* "1:02:03", or "2:03" below an hour. */
static const char *clock_text(double seconds, char buffer[32]) {
    long whole = seconds < 0 ? 0 : (long)(seconds + 0.5);
    long hours = whole / 3600, minutes = whole / 60 % 60, rest = whole % 60;
    if (hours)
        snprintf(buffer, 32, "%ld:%02ld:%02ld", hours, minutes, rest);
    else
        snprintf(buffer, 32, "%ld:%02ld", minutes, rest);
    return buffer;
}

static double share_done(const struct sm_progress *progress) {
    return progress->total ? (double)progress->done / (double)progress->total : 1.0;
}

/* Seconds left at the pace so far; -1 while nothing is done or it says nothing of the rest. A resumed run starts at
 * `first`, which took no time. */
static double seconds_left(const struct sm_progress *progress, double elapsed) {
    if (progress->done <= progress->first) return progress->done < progress->total ? -1.0 : 0.0;
    if (progress->left_unknown) return -1.0;
    double each = elapsed / (double)(progress->done - progress->first);
    return each * (double)(progress->total - progress->done);
}

static void draw_bar(const struct sm_progress *progress, double elapsed, const char *detail) {
    char bar[BAR_WIDTH + 1], line[LINE_SIZE], left_text[32];
    int filled = (int)(share_done(progress) * BAR_WIDTH);
    memset(bar, '.', BAR_WIDTH);
    memset(bar, '#', (size_t)filled);
    bar[BAR_WIDTH] = '\0';
    double left = seconds_left(progress, elapsed);
    snprintf(line, sizeof line, "%s %zu/%zu [%s] %s%s%s", progress->label, progress->done, progress->total, bar,
             left < 0 ? "-:--" : clock_text(left, left_text), detail && *detail ? "  " : "", detail ? detail : "");
    /* One column stays free: a full line would wrap, and then \r no longer finds its beginning. */
    fprintf(stderr, "\r%.*s\033[K", terminal_width() - 1, line);
    fflush(stderr);
}

static void print_line(const struct sm_progress *progress, double elapsed, const char *detail) {
    char stamp[32];
    time_t wall = time(NULL);
    struct tm parts;
    gmtime_r(&wall, &parts);
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", &parts);
    fprintf(stderr, "%s %s=%zu of=%zu%s%s elapsed=%.0f", stamp, progress->label, progress->done, progress->total,
            detail && *detail ? " " : "", detail ? detail : "", elapsed);
    double left = seconds_left(progress, elapsed);
    if (left >= 0) fprintf(stderr, " left=%.0f", left);
    fputc('\n', stderr);
}

void sm_progress_start(struct sm_progress *progress, const char *label, size_t total, bool quiet) {
    *progress = (struct sm_progress){.quiet = quiet, .terminal = draws_bar(), .label = label, .total = total};
    progress->started = sm_now();
    progress->drawn = progress->started - REDRAW_SECONDS;
}

void sm_progress_skip(struct sm_progress *progress, size_t done) {
    progress->first = progress->done = done < progress->total ? done : progress->total;
}

void sm_progress_left_unknown(struct sm_progress *progress, bool unknown) {
    progress->left_unknown = unknown;
}

void sm_progress_update(struct sm_progress *progress, size_t done, const char *detail) {
    progress->done = done < progress->total ? done : progress->total;
    if (progress->quiet) return;
    double time = sm_now(), elapsed = time - progress->started;
    if (progress->terminal && time - progress->drawn < REDRAW_SECONDS && progress->done < progress->total) return;
    progress->drawn = time;
    if (progress->terminal)
        draw_bar(progress, elapsed, detail);
    else
        print_line(progress, elapsed, detail);
}

void sm_progress_update_part(struct sm_progress *progress, size_t done, const char *detail) {
    bool moved = progress->done == 0 || done * 10 / progress->total != progress->done * 10 / progress->total;
    double last = progress->drawn > progress->started ? progress->drawn : progress->started;
    if (progress->terminal ? sm_now() - progress->started >= PART_SECONDS : moved && sm_now() - last >= PART_SECONDS)
        sm_progress_update(progress, done, detail);
}

bool sm_progress_due(const struct sm_progress *progress, size_t done) {
    return progress->terminal || done * 10 / progress->total != (done - 1) * 10 / progress->total;
}

void sm_progress_wipe(struct sm_progress *progress) {
    if (progress->quiet || !progress->terminal || !progress->done) return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
}

void sm_progress_end(struct sm_progress *progress) {
    if (!progress->quiet && progress->terminal) fputc('\n', stderr);
}
