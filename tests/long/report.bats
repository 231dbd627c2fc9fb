#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# The report as a browser shows it: from the disk, without a network, at the width of a phone, on paper.

bats_require_minimum_version 1.5.0

setup_file() {
    export BIN="${SM_BIN:-$BATS_TEST_DIRNAME/../../build/bin}"
    export PAGE="$BATS_FILE_TMPDIR/report/index.html" RUNS="$BATS_FILE_TMPDIR/runs"
    mkdir -p "$RUNS"
    command -v chromium >/dev/null || return 0
    # Two groups: three seeds of one network, two of another. Long names must not push the page apart.
    for seed in 1 2 3; do "$BIN/supermask-train" fcn-digits --seed $seed --epochs 2 --quiet -o "$RUNS/"; done
    for seed in 1 2; do
        "$BIN/supermask-train" fcn-digits --set network=784-20-10 --seed $seed --epochs 2 --quiet \
            -o "$RUNS/a-run-whose-name-is-longer-than-a-phone-is-wide-$seed.h5"
    done
    "$BIN/supermask-analyze" report -q --nulls 9 -o "$BATS_FILE_TMPDIR/report" "$RUNS"/*.h5 2>/dev/null
}

setup() { command -v chromium >/dev/null || skip "no chromium"; }

browse() { "${PYTHON:-/usr/bin/python3}" "$BATS_TEST_DIRNAME/../tools/browse.py" "$@"; }

# says JSON EXPRESSION: is it true of the browser's answer d?
says() { "${PYTHON:-/usr/bin/python3}" -c "import json,sys; d=json.loads(sys.argv[1]); sys.exit(not ($2))" "$1" || { echo "$1"; return 1; }; }

@test "nothing is asked of the network and no script fails" {
    answer=$(browse "$PAGE")
    says "$answer" 'd["width"] == 1200 and not d["requests"] and not d["errors"] and not d["overflow"]'
}

@test "at the width of a phone nothing reaches over the edge" {
    answer=$(browse "$PAGE" --width 390)
    says "$answer" 'd["width"] == 390 and not d["overflow"] and not d["requests"] and not d["errors"]'
    # The table of overlaps is read without scrolling: its point, null and p, stands at the right.
    grep -q '<th>p (Holm)</th>' "$PAGE"
    says "$answer" 'not any("p (Holm)" in headers for headers in d["cut"])'
}

@test "a click on a table's header sorts it, by value" {
    answer=$(browse "$PAGE" --click '#table-summary th:nth-child(11)')
    says "$answer" 'len(d["sorted"]) == 5 and [float(x) for x in d["sorted"]] == sorted(map(float, d["sorted"]))'
    says "$answer" 'not d["errors"]'
}

@test "every link inside the page leads somewhere" {
    "$BIN/supermask-analyze" report -q --nulls 9 --figures none -o "$BATS_TEST_TMPDIR/one" "$RUNS"/*digits-seed1.h5
    "${PYTHON:-/usr/bin/python3}" - "$PAGE" "$BATS_TEST_TMPDIR/one/index.html" <<'PY'
import html.parser, sys
class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.ids, self.links = [], set()
    def handle_starttag(self, tag, attributes):
        a = dict(attributes)
        if "id" in a: self.ids.append(a["id"])
        if a.get("href", "").startswith("#"): self.links.add(a["href"][1:])
for path in sys.argv[1:]:
    page = Page()
    page.feed(open(path, encoding="utf-8").read())
    assert page.links and page.links <= set(page.ids), page.links - set(page.ids)
    assert len(page.ids) == len(set(page.ids)), page.ids
PY
}

@test "it prints, and what the browser checks would be seen" {
    browse "$PAGE" --pdf "$BATS_TEST_TMPDIR/page.pdf" >/dev/null
    [ "$(head -c 5 "$BATS_TEST_TMPDIR/page.pdf")" = "%PDF-" ]
    cat >"$BATS_TEST_TMPDIR/bad.html" <<'HTML'
<!DOCTYPE html><meta name="viewport" content="width=device-width"><title>bad</title>
<div style="width:2000px">wide</div><img src="http://127.0.0.1:9/x.png"><script>nobody.knows()</script>
HTML
    answer=$(browse "$BATS_TEST_TMPDIR/bad.html" --width 390)
    says "$answer" 'd["overflow"] and d["requests"] and any("nobody" in e for e in d["errors"])'
}
