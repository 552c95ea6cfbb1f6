//! Commands that are written to be expensive: deep, wide, doubling, or just as long as is let in.
//! Analysis has to be done with each in bounded time and memory, whatever it says about it.

/// So long may one command be; the inputs stay just below.
const BYTES: usize = (64 << 10) - 512;

/// A name for each input, and the input.
pub fn inputs() -> Vec<(String, String)> {
    let mut inputs = nested();
    inputs.extend(wide());
    inputs.extend(doubling());
    inputs.extend(states());
    inputs
}

/// Constructs within each other, a few and as many as there is room for.
fn nested() -> Vec<(String, String)> {
    let pairs = [
        ("$(", ")"),
        ("\"$(", ")\""),
        ("( ", ")"),
        ("{ ", ";}"),
        ("if ", ";then :;fi"),
        ("while ", ";do :;done"),
        ("while :; do ", ";done"),
        ("for i in 1 2; do ", ";done"),
        ("for i in $x; do ", ";done"),
        ("case x in x) ", ";; esac"),
        ("${a:-", "}"),
        ("${a:-$(", ")}"),
        ("<(", ")"),
        ("eval ", ""),
        ("sh -c ", ""),
        ("env ", ""),
        ("xargs ", ""),
        ("! ", ""),
        ("$((", "))"),
        ("$((1+", "))"),
        ("[[ ! ", " ]]"),
        ("[[ ( ", " ) ]]"),
        ("a=(", ")"),
        ("a[", "]=1"),
        ("f() { ", ";}"),
        ("`", "`"),
        ("{", "}"),
        ("{a,", "}"),
    ];
    let mut inputs = Vec::new();
    for (open, close) in pairs {
        for times in [7, 35, BYTES / (open.len() + close.len() + 1)] {
            let text = format!("{}rm x{}", open.repeat(times), close.repeat(times));
            inputs.push((format!("{times} times `{open}`"), text));
        }
    }
    inputs
}

/// One thing after the other.
fn wide() -> Vec<(String, String)> {
    let links = [
        "a|",
        "a;",
        "a&",
        "a\n",
        "a&&",
        "a||",
        "rm x;",
        "rm $x;",
        "a=b;",
        "a=$a;",
        "$a ",
        "'a' ",
        "{a,b}",
        "{1..9}",
        "~/a ",
        "*/",
        "a* ",
        "$(a);",
        "`a`;",
        "<(a) ",
        ">f ",
        "<<E ",
        "<<<a ",
        "2>&1 ",
        "((a));",
        "((a+=1));",
        "[[ a ]];",
        "${a}",
        "${a[1]}",
        "${a/b/c}",
        "$((a))",
        "read a;",
        "cd ..;",
        "set -- a;",
        "alias a=b;",
        "trap a EXIT;",
        "export a;",
        "eval a;",
        "f(){ :;};",
        "(a);",
        "{ a;};",
        "if a;then b;fi;",
        "(a=b);",
        "a=b c;",
        "find . -exec a \\; ",
        "curl http://a.example/b;",
        "git push a b;",
        "python3 -c 'import os';",
        "case a in b)c;;esac;",
        "a|b&&c||d;",
    ];
    let mut inputs: Vec<_> = links
        .iter()
        .map(|link| (format!("as many `{link}` as fit"), link.repeat(BYTES / link.len())))
        .collect();
    let blob = "x".repeat(BYTES - 64);
    let lines = "line of text\n".repeat((BYTES - 64) / 13);
    let sum = "1+".repeat((BYTES - 64) / 2);
    inputs.extend([
        ("one word".to_owned(), blob.clone()),
        ("one quoted word".to_owned(), format!("echo '{blob}'")),
        ("one comment".to_owned(), format!("# {blob}")),
        ("one here-document".to_owned(), format!("cat <<E\n{lines}E\n")),
        ("a here-document that is run".to_owned(), format!("sh <<E\n{lines}E\n")),
        (
            "a here-document read in a loop".to_owned(),
            format!("while read a; do rm $a; done <<E\n{lines}E\n"),
        ),
        ("one sum".to_owned(), format!("echo $(({sum}1))")),
        ("one array".to_owned(), format!("a=({}); rm ${{a[@]}}", "b ".repeat(BYTES / 2 - 32))),
        (
            "one pattern".to_owned(),
            format!("x={}; echo ${{x//{}b/}}", "a".repeat(30_000), "*a".repeat(200)),
        ),
        (
            "one pattern at the end".to_owned(),
            format!("x={}; echo ${{x%%{}b}}", "a".repeat(30_000), "*a".repeat(200)),
        ),
        (
            "one word in many files".to_owned(),
            format!("x={}; rm {}", "a".repeat(30_000), "$x ".repeat(10_000)),
        ),
        (
            "one text that is printed often".to_owned(),
            format!("x={}; ({})|sh", "a".repeat(30_000), "echo $x;".repeat(4_000)),
        ),
    ]);
    inputs
}

/// What is there once is there twice after the next command.
fn doubling() -> Vec<(String, String)> {
    let steps = [
        ("x=ab", "x=$x$x;"),
        ("x=ab", "x=\"$x $x\";"),
        ("x=ab", "x=${x}${x};"),
        ("x=ab", "x+=$x;"),
        ("x=ab", "x=${x//a/aa};"),
        ("x=ab", "x=$(echo $x $x);"),
        ("x=ab", "x=`echo $x$x`;"),
        ("x=ab", "printf -v x %s%s $x $x;"),
        ("x=ab", "eval \"x=$x$x\";"),
        ("x=(a b)", "x=(\"${x[@]}\" \"${x[@]}\");"),
        ("x=(a b)", "x+=(${x[@]});"),
        ("set -- a b", "set -- \"$@\" \"$@\";"),
        ("set -- a b", "set -- $* $*;"),
        ("x=ab", "x={$x,$x};eval \"x=$x\";"),
        ("x=:", "x=\"$x;$x\";eval \"$x\";"),
        ("alias x=:", "alias x='x;x';x\n"),
        ("echo ab>f", "cat f f>g;cat g>f;"),
        ("echo ab>f", "cat f>>f;"),
        ("echo ab>f", "echo $(cat f) $(cat f)>f;"),
    ];
    let mut inputs = Vec::new();
    for (start, step) in steps {
        for times in [12, 40, 1_000] {
            let text = format!("{start};{}rm $x \"$@\" \"${{x[@]}}\"; sh f", step.repeat(times));
            inputs.push((format!("{times} times `{step}`"), text));
        }
    }
    let mut calls = String::from("f0(){ rm x;};");
    for level in 1..200 {
        calls.push_str(&format!("f{level}(){{ f{0};f{0};}};", level - 1));
    }
    inputs.push(("functions that call twice".to_owned(), format!("{calls}f20;f199")));
    inputs.push(("a function that calls itself twice".to_owned(), "f(){ f|f& };f".to_owned()));
    inputs
}

/// Many variables, and many paths on which they differ.
fn states() -> Vec<(String, String)> {
    let variables = |count: usize| (0..count).map(|n| format!("v{n}=x;")).collect::<String>();
    let branches =
        |count: usize| (0..count).map(|n| format!("if a;then w{n}=y;fi;")).collect::<String>();
    let subshells = |count: usize| (0..count).map(|n| format!("(w{n}=y);")).collect::<String>();
    let links = |count: usize| (0..count).map(|n| format!("w{n}=y||")).collect::<String>();
    let loops = |count: usize| "while a;do b=$b$c;".repeat(count) + &"done;".repeat(count);
    vec![
        ("variables and branches".to_owned(), variables(3_000) + &branches(1_200)),
        ("variables and subshells".to_owned(), variables(3_000) + &subshells(2_500)),
        ("variables and links".to_owned(), variables(3_000) + &links(2_500) + "a"),
        ("variables and loops".to_owned(), variables(3_000) + &loops(30)),
        (
            "variables and programs".to_owned(),
            format!("set -a;{}{}", variables(3_000), "a;".repeat(12_000)),
        ),
        ("loops in loops".to_owned(), loops(38)),
    ]
}
