//! Comments, by the language that the name of a file says: what is one elsewhere may be code here.

/// How a language writes comments.
#[derive(Debug, Clone, Copy, Default)]
struct Marks {
    /// `# …` to the end of the line; not `#[…]` and `#!…`, which mean something.
    hash: bool,
    /// `// …` to the end of the line, and `/* … */`.
    slash: bool,
    /// `-- …`
    dash: bool,
    /// `; …`
    semicolon: bool,
    /// `<!-- … -->`
    markup: bool,
    /// A text of its own between three quotes.
    quotes: bool,
}

fn marks(path: &str) -> Marks {
    let name = path.rsplit('/').next().unwrap_or(path).to_lowercase();
    let ending = name.rsplit_once('.').map(|(_, ending)| ending).unwrap_or_default();
    let none = Marks::default();
    match ending {
        "py" | "pyi" | "pyw" | "ipynb" => Marks { hash: true, quotes: true, ..none },
        "js" | "mjs" | "cjs" | "jsx" | "ts" | "mts" | "cts" | "tsx" | "go" | "java" | "kt"
        | "kts" | "swift" | "scala" | "c" | "h" | "cc" | "cpp" | "hpp" | "cs" | "rs" | "dart"
        | "groovy" | "gradle" | "proto" | "json" | "json5" | "jsonc" | "css" | "scss" | "less"
        | "zig" | "sol" => Marks { slash: true, ..none },
        "vue" | "svelte" | "astro" => Marks { slash: true, markup: true, ..none },
        "php" | "tf" | "tfvars" | "hcl" => Marks { hash: true, slash: true, ..none },
        "sql" => Marks { dash: true, slash: true, ..none },
        "lua" | "hs" | "elm" => Marks { dash: true, ..none },
        "clj" | "cljs" | "lisp" | "el" | "scm" | "asm" | "s" => Marks { semicolon: true, ..none },
        "ini" | "cfg" | "conf" | "cnf" | "properties" => {
            Marks { hash: true, semicolon: true, ..none }
        }
        "html" | "htm" | "xml" | "xhtml" | "csproj" | "plist" => Marks { markup: true, ..none },
        "rb" | "sh" | "bash" | "zsh" | "fish" | "yml" | "yaml" | "toml" | "pl" | "pm" | "r"
        | "ex" | "exs" | "jl" | "nix" | "ps1" | "env" | "mk" | "cmake" | "graphql" => {
            Marks { hash: true, ..none }
        }
        _ => Marks { hash: true, slash: true, ..none },
    }
}

/// Where a line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// At the beginning of a part of a file, which may be within a comment: as long as its lines begin as
    /// those of such a comment do, a star and a blank. A star and a name are code.
    Beginning,
    /// Between `/*` and `*/`.
    Within,
    Outside,
}

/// Tells comments from code, line by line, from the first one on.
pub(super) struct Remarks {
    marks: Marks,
    place: Place,
}

impl Remarks {
    pub(super) fn of(path: &str) -> Self {
        let marks = marks(path);
        Self { marks, place: Place::Beginning }
    }

    /// Whether this line, without the white space around it, is a comment and nothing else, or empty.
    pub(super) fn has(&mut self, line: &str) -> bool {
        let marks = self.marks;
        if line.is_empty() {
            return true;
        }
        if marks.slash && (line.starts_with("/*") || line.starts_with('*')) {
            return self.is_of_block(line);
        }
        self.place = Place::Outside;
        let of_hash = line.starts_with('#') && !line.starts_with("#[") && !line.starts_with("#!");
        (marks.hash && of_hash)
            || (marks.slash && line.starts_with("//"))
            || (marks.dash && line.starts_with("-- "))
            || (marks.semicolon && line.starts_with(';'))
            || (marks.markup && line.starts_with("<!--") && ends_with_its(line, "-->"))
            || (marks.quotes && ["\"\"\"", "'''"].iter().any(|mark| is_text_alone(line, mark)))
    }

    /// A line that opens a comment of many lines, or goes on with one: code after its end is code.
    fn is_of_block(&mut self, line: &str) -> bool {
        let opens = line.starts_with("/*");
        let goes_on = match self.place {
            Place::Beginning => line == "*" || line.starts_with("* ") || line.starts_with("*/"),
            Place::Within => true,
            Place::Outside => false,
        };
        if !opens && !goes_on {
            self.place = Place::Outside;
            return false;
        }
        let body = if opens { line.get(2..).unwrap_or_default() } else { line };
        let ends = body.contains("*/");
        self.place = match (ends, opens) {
            (true, _) => Place::Outside,
            (false, true) => Place::Within,
            (false, false) => self.place,
        };
        !ends || ends_with_its(body, "*/")
    }
}

/// Whether the first such end is the end of the line, or there is none.
fn ends_with_its(line: &str, end: &str) -> bool {
    line.split_once(end).is_none_or(|(_, rest)| rest.trim().is_empty())
}

/// Words between two such marks, and nothing around them.
fn is_text_alone(line: &str, mark: &str) -> bool {
    let inner = line.strip_prefix(mark).and_then(|rest| rest.strip_suffix(mark));
    inner.is_some_and(|inner| {
        inner.trim_start().starts_with(char::is_alphabetic) && !inner.contains(mark)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remarks(path: &str, text: &str) -> Vec<bool> {
        let mut remarks = Remarks::of(path);
        text.lines().map(|line| remarks.has(line.trim())).collect()
    }

    #[test]
    fn a_comment_of_one_language_is_code_in_another() {
        for (path, line, expected) in [
            ("a.py", "# x", true),
            ("a.js", "# x", false),
            ("a.js", "// x", true),
            ("a.py", "// x", false),
            ("a.sql", "-- x", true),
            ("a.py", "-- x", false),
            ("a.ini", "; x", true),
            ("a.sh", "; x", false),
            ("a.rs", "#[test]", false),
            ("a.py", "\"\"\"Text.\"\"\"", true),
            ("a.py", "'''Text.'''; x()", false),
            ("a.py", "'''; x(); '''", false),
            ("a.py", "\"\"\"or x()", false),
            ("a.html", "<!-- x -->", true),
            ("a.html", "<!-- x --><script>", false),
            ("Dockerfile", "# x", true),
            ("a.ts", "/* x */", true),
            ("a.ts", "/* x */ y()", false),
            ("a.py", "* x", false),
            ("a.go", "*secure = false", false),
            ("a.go", "* secure", true),
        ] {
            assert_eq!(remarks(path, line), [expected], "{line} in {path}");
        }
    }

    #[test]
    fn a_comment_goes_on_until_its_end() {
        let text = "/**\n * a\n */\nx()\n* y()\n/*\n */ z()";
        assert_eq!(remarks("a.ts", text), [true, true, true, false, false, true, false]);
        // A part of a file that begins within one.
        assert_eq!(remarks("a.ts", " * a\n */\nx()\n * y"), [true, true, false, false]);
    }
}
