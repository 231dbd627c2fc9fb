/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/html.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char *entity(char c) {
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void sm_html_text(FILE *file, const char *text) {
    for (; *text; text++) {
        const char *escaped = entity(*text);
        if (escaped)
            fputs(escaped, file);
        else
            fputc((unsigned char)*text < 0x20 && *text != '\n' ? ' ' : *text, file);
    }
}

void sm_html_print(FILE *file, const char *format, ...) {
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int length = vasprintf(&text, format, args);
    va_end(args);
    if (length < 0) return;
    sm_html_text(file, text);
    free(text);
}

void sm_html_link(FILE *file, const char *path) {
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~/";
    for (; *path; path++) {
        if (strchr(plain, *path))
            fputc(*path, file);
        else
            fprintf(file, "%%%02X", (unsigned char)*path);
    }
}

/* ---- the frame ---- */

static const char style[] =
    ":root{color-scheme:light "
    "dark;--ink:#1d2125;--soft:#5b6570;--line:#d9dee3;--page:#fbfbfa;--card:#fff;--accent:#0072b2}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6e8ea;--soft:#a5adb5;--line:#3a4046;--page:#17191c;--card:#202327;"
    "--accent:#56b4e9}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0 auto;padding:1.5rem 1.2rem 4rem;max-width:64rem;background:var(--page);color:var(--ink);"
    "font:16px/1.55 system-ui,-apple-system,\"Segoe UI\",Roboto,\"DejaVu Sans\",sans-serif}\n"
    "h1{font-size:1.7rem;line-height:1.2;margin:.3rem 0}h2{font-size:1.25rem;margin:2.6rem 0 .8rem;padding-top:.6rem;"
    "border-top:1px solid var(--line)}h3{font-size:1.02rem;margin:1.4rem 0 .3rem}\n"
    "a{color:var(--accent)}.soft,figcaption,.files{color:var(--soft)}.files{font-size:.85rem}\n"
    ".lead{font-size:1.06rem}ul.findings{padding-left:1.1rem}ul.findings li{margin:.45rem 0}\n"
    "nav{display:flex;flex-wrap:wrap;gap:.2rem .9rem;font-size:.92rem}\n"
    ".figures{display:flex;flex-wrap:wrap;gap:1.6rem}\n"
    "figure{margin:0;min-width:0;flex:1 1 100%}.picture{overflow-x:auto}figure.narrow{flex:1 1 20rem}\n"
    "figure img{display:block;background:#fff;border:1px solid "
    "var(--line);border-radius:4px;max-width:100%;height:auto}\n"
    "figcaption{font-size:.92rem;margin-top:.5rem;max-width:46rem}figcaption b{color:var(--ink)}\n"
    ".scroll{overflow-x:auto;border:1px solid var(--line);border-radius:4px;background:var(--card)}\n"
    "table{border-collapse:collapse;font-size:.84rem;font-variant-numeric:tabular-nums;width:100%}\n"
    "th,td{padding:.25rem .6rem;text-align:right;white-space:nowrap;border-bottom:1px solid var(--line)}\n"
    "th{cursor:pointer;font-weight:600;position:sticky;top:0;background:var(--card)}td.t,th.t{text-align:left}\n"
    "details{margin:.6rem 0}summary{cursor:pointer}summary b{font-weight:600}\n"
    "pre{white-space:pre-wrap;overflow-wrap:anywhere;font-size:.82rem;background:var(--card);border:1px solid "
    "var(--line);"
    "border-radius:4px;padding:.7rem}\n"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem "
    "1rem;font-size:.92rem}dd{margin:0;overflow-wrap:anywhere}\n"
    "@media(max-width:40rem){body{padding:1rem .8rem "
    "3rem;font-size:15px}dl{grid-template-columns:1fr}dd{margin-bottom:.5rem}"
    "figure:not(.narrow) img{max-width:none;width:44rem!important}}\n"
    "@media "
    "print{:root{--ink:#000;--soft:#333;--line:#bbb;--page:#fff;--card:#fff;--accent:#000}body{max-width:none;padding:"
    "0;"
    "font-size:10pt}figure{break-inside:avoid}nav{display:none}th{position:static}}\n";

/* A click on a header sorts the table's rows: numbers by value, the rest by text. */
static const char script[] =
    "document.querySelectorAll('th').forEach(function(h){h.addEventListener('click',function(){"
    "var t=h.closest('table'),b=t.tBodies[0],i=h.cellIndex,d=h.dataset.d==='1'?-1:1;h.dataset.d=d===1?'1':'0';"
    "Array.from(b.rows).map(function(r){var c=r.cells[i],s=c.title||c.textContent,v=Number(s);"
    "return{r:r,s:s,v:s.trim()!==''&&!isNaN(v)?v:null}}).sort(function(p,q){"
    "if(p.v!==null&&q.v!==null)return d*(p.v-q.v);if(p.v!==null)return -1;if(q.v!==null)return 1;"
    "return d*p.s.localeCompare(q.s)}).forEach(function(e){b.appendChild(e.r)})})});\n";

void sm_html_head(FILE *file, const char *title) {
    sm_html_head_styled(file, title, "");
}

void sm_html_head_styled(FILE *file, const char *title, const char *more_style) {
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>",
          file);
    sm_html_text(file, title);
    fprintf(file, "</title>\n<style>\n%s%s</style>\n</head>\n<body>\n", style, more_style);
}

void sm_html_foot(FILE *file) {
    fprintf(file, "<script>\n%s</script>\n</body>\n</html>\n", script);
}
