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
    "dark;--ink:#1d2125;--soft:#5b6570;--line:#d9dee3;--page:#fbfbfa;--card:#fff;--accent:#0072b2;--alarm:#b3261e;--"
    "alarm-page:#fdeceb}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6e8ea;--soft:#a5adb5;--line:#3a4046;--page:#17191c;--card:#202327;"
    "--accent:#56b4e9;--alarm:#ffb4ab;--alarm-page:#4a1512}}\n"
    "*{box-sizing:border-box}\n"
    "html{scroll-padding-top:1rem}\n"
    "body{margin:0 auto;padding:1.5rem 1.2rem "
    "4rem;max-width:68rem;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,-apple-system,\"Segoe "
    "UI\",Roboto,\"DejaVu Sans\",sans-serif;overflow-wrap:break-word}\n"
    "h1{font-size:1.7rem;line-height:1.2;margin:.3rem 0 .5rem}\n"
    "h2{font-size:1.25rem;margin:2.6rem 0 .8rem;padding-top:.6rem;border-top:1px solid var(--line)}\n"
    "h3{font-size:1.02rem;line-height:1.35;margin:1.4rem 0 .3rem}\n"
    "a{color:var(--accent)}\n"
    ".soft,figcaption,.files{color:var(--soft)}\n"
    ".files{font-size:.85rem}\n"
    ".lead{font-size:1.06rem;margin:.8rem 0}\n"
    "nav{display:flex;flex-wrap:wrap;gap:.3rem .9rem;font-size:.92rem}\n"
    ".question{display:grid;grid-template-columns:11.5rem minmax(0,1fr);gap:0 1.6rem;border-top:1px solid "
    "var(--line);padding:.7rem 0}\n"
    ".question h3{margin:.15rem 0}\n"
    ".question h3 .more{display:block;font-weight:400;font-size:.85rem}\n"
    "ul.findings{margin:0;padding:0;list-style:none;max-width:54rem}\n"
    "ul.findings>li{margin:.15rem 0 .55rem}\n"
    "li.warning{color:var(--alarm);background:var(--alarm-page);border-left:.3rem solid var(--alarm);padding:.4rem "
    ".7rem;font-weight:600}\n"
    ".figures{display:flex;flex-wrap:wrap;gap:1.6rem}\n"
    "figure{margin:0;min-width:0;flex:1 1 100%}\n"
    "figure.narrow{flex:1 1 24rem}\n"
    ".picture{overflow-x:auto}\n"
    "figure img{display:block;background:#fff;border:1px solid "
    "var(--line);border-radius:4px;max-width:100%;height:auto}\n"
    "figcaption{font-size:.92rem;margin-top:.5rem;max-width:46rem}\n"
    "figcaption b{color:var(--ink)}\n"
    ".scroll{overflow-x:auto;border:1px solid var(--line);border-radius:4px;background:var(--card)}\n"
    ".grid{margin:.45rem 0;width:fit-content;max-width:100%}.grid "
    "th{white-space:normal;vertical-align:bottom;cursor:default;position:static}\n"
    "table{border-collapse:collapse;font-size:.84rem;font-variant-numeric:tabular-nums;width:100%}\n"
    "th,td{padding:.25rem .6rem;text-align:right;white-space:nowrap;border-bottom:1px solid var(--line)}\n"
    "tbody tr:last-child td{border-bottom:0}\n"
    "th{cursor:pointer;font-weight:600;position:sticky;top:0;background:var(--card)}\n"
    "td.t,th.t{text-align:left}\n"
    "details{margin:.6rem 0}\n"
    "summary{cursor:pointer}\n"
    "summary b{font-weight:600}\n"
    "pre{white-space:pre-wrap;overflow-wrap:anywhere;font-size:.82rem;background:var(--card);border:1px solid "
    "var(--line);border-radius:4px;padding:.7rem}\n"
    "dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.15rem 1rem;font-size:.92rem}\n"
    "dd{margin:0;overflow-wrap:anywhere}\n"
    "@media(max-width:44rem){body{padding:1rem .8rem 3rem;font-size:15px}h1{font-size:1.35rem}"
    ".question{display:block}.question h3 .more{display:inline}.grid td{white-space:normal}.grid "
    "table{font-size:.78rem}.grid th,.grid td{padding:.2rem .35rem}th,td{padding:.25rem .4rem}"
    ".overlap .grid table{font-size:.7rem}.overlap .grid th,.overlap .grid td{padding:.2rem .18rem}"
    ".overlap th:nth-child(n+7),.overlap td:nth-child(n+7){display:none}"
    "dl{display:block}dd{margin-bottom:.5rem}figure:not(.narrow) img{max-width:none;width:44rem!important}}\n"
    "@media "
    "print{:root{color-scheme:light;--ink:#000;--soft:#333;--line:#bbb;--page:#fff;--card:#fff;--accent:#000;--alarm:#"
    "b3261e;--alarm-page:#fff}"
    "body{max-width:none;padding:0;font-size:9.5pt}nav,.more{display:none!important}a{text-decoration:none}"
    "h2,h3{break-after:avoid}figure,.grid,li,tr{break-inside:avoid}.scroll{overflow:visible}"
    "th{position:static}figure img{max-height:22cm}table{font-size:7.5pt}details table{font-size:5.2pt}details "
    "th,details td{white-space:normal;overflow-wrap:anywhere;padding:.1rem .15rem}th,td{padding:.15rem .35rem}"
    ".question{grid-template-columns:8.5rem minmax(0,1fr)}}\n";

/* A click on a header sorts a table's rows (those inside findings stand in an order of their own): numbers by value,
 * the rest by text. */
static const char script[] =
    "document.querySelectorAll('details th').forEach(function(h){h.addEventListener('click',function(){"
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
