//! What is to stay as it is, said of a thing that was named: "send logs/run.txt unmodified", "look at fix.sql,
//! don't run it", "nobody pushes to main here".
//!
//! These are no commands by their form, or name their object elsewhere in the message. So each is a way to say it, and the
//! things that the message names.

use super::Boundary;
use super::clauses::{Clause, words};
use super::forbidden::{OTHERS, named, negated_pointer};
use crate::lexicon::{ENGLISH, Operation, STEMS};
use crate::words::{find_phrase, is_unspaced};

/// What a message named so far, by its form.
#[derive(Debug, Default)]
pub(super) struct Things {
    names: Vec<String>,
}

/// Ways to say that something must not change.
const UNCHANGED: &[&str] = &[
    "unmodified",
    "unchanged",
    "untouched",
    "unaltered",
    "verbatim",
    "as it is",
    "as is",
    "as they are",
    "stay the same",
    "stays the same",
    "be left alone",
    "unverändert",
    "unangetastet",
    "wie es ist",
    "wie sie ist",
    "wie er ist",
    "nicht anfassen",
    "nicht anrühren",
    "nicht ändern",
    "nicht verändern",
    "nicht überschreiben",
    "tel quel",
    "telle quelle",
    "inchangé",
    "inchangée",
    "intact",
    "intacte",
    "ne touche pas",
    "ne touchez pas",
    "ne modifie pas",
    "ne modifiez pas",
    "sans modifier",
    "sans toucher",
    "tal cual",
    "sin cambios",
    "sin tocar",
    "sin modificar",
    "intacto",
    "intacta",
    "no toques",
    "no modifiques",
    "como está",
    "一字不改",
    "原样",
    "保持不变",
    "不要动",
    "别动",
    "别碰",
    "不要碰",
    "不要改",
    "别改",
    "不能改",
    "不许动",
    "そのまま",
    "触らない",
    "変更しない",
    "変えない",
    "いじらない",
    "書き換えない",
];

/// Verbs of German that are parted around what they are said of: "fass x nicht an".
const PARTED: &[&str] = &["fass", "fasse", "fasst", "rühr", "rühre", "rührt", "tast", "taste"];

/// Ways to say that what was named is not to be run.
const NOT_RUN: &[&str] = &[
    "nicht ausführen",
    "nicht laufen lassen",
    "nicht starten",
    "ne l'exécute pas",
    "ne le lance pas",
    "ne l'exécutez pas",
    "sans l'exécuter",
    "sans le lancer",
    "no lo ejecutes",
    "no la ejecutes",
    "no lo corras",
    "sin ejecutarlo",
    "実行しない",
    "走らせない",
    "不要执行",
    "不要运行",
    "别执行",
    "别运行",
    "先别跑",
    "不要跑",
];

/// Nobody does it, or may.
const NOBODY: &[&str] = &[
    "forbidden",
    "not allowed",
    "prohibited",
    "verboten",
    "nicht erlaubt",
    "interdit",
    "interdits",
    "prohibido",
    "prohibidos",
    "禁止",
    "不允许",
    "不能直接",
    "nobody",
    "no-one",
    "noone",
    "niemand",
    "keiner",
    "personne",
    "nadie",
    "没人",
    "任何人都不",
    "誰も",
];

/// Ways to say that nothing is to be taken in, and what.
const NONE: &[&str] = &[
    "kein",
    "keine",
    "keinen",
    "keinerlei",
    "pas de",
    "aucun",
    "aucune",
    "sans nouvelle",
    "sans nouveau",
    "sin",
    "ningún",
    "ninguna",
    "不要",
    "别",
    "不加",
    "不能",
    "しない",
    "増やさない",
    "入れない",
    "なし",
];
const DEPENDENCIES: &[&str] = &[
    "paket",
    "pakete",
    "paketen",
    "abhängigkeit",
    "abhängigkeiten",
    "bibliothek",
    "bibliotheken",
    "dependency",
    "dependencies",
    "dépendance",
    "dépendances",
    "librairie",
    "librairies",
    "paquet",
    "paquets",
    "dependencia",
    "dependencias",
    "librería",
    "librerías",
    "paquete",
    "paquetes",
    "依赖",
    "新包",
    "新的包",
    "新库",
    "依存",
    "パッケージ",
    "ライブラリ",
];

impl Things {
    /// Reads one clause: what it keeps as it is.
    pub(super) fn read(&mut self, clause: &Clause) -> Vec<Boundary> {
        let tokens: Vec<&str> = words(&clause.text).collect();
        let own = named(&tokens);
        let mut found = Vec::new();
        if !clause.asks && !clause.quoted {
            let objects = match own.is_empty() {
                true => self.meant(&tokens, &clause.text),
                false => own.clone(),
            };
            // "Leave the others alone" leaves those that were spoken of.
            let of_others = OTHERS.iter().any(|it| clause.text.contains(it));
            if !objects.is_empty() && !of_others {
                let boundary =
                    |operation| Boundary { operation, objects: objects.clone(), waits: false };
                let parted = tokens.iter().any(|token| PARTED.contains(token))
                    && tokens.contains(&"nicht")
                    && tokens.contains(&"an");
                if parted || says(&clause.text, UNCHANGED) {
                    found.push(boundary(None));
                }
                let runs = negated_pointer(&tokens).filter(|_| own.is_empty());
                let runs = runs.or_else(|| says(&clause.text, NOT_RUN).then_some(Operation::Run));
                found.extend(runs.map(|operation| boundary(Some(operation))));
            }
            if says(&clause.text, NOBODY) {
                found.extend(done_by_nobody(&tokens).map(|operation| Boundary {
                    operation: Some(operation),
                    objects: own.clone(),
                    waits: false,
                }));
            }
            if !of_others && says(&clause.text, NONE) && says(&clause.text, DEPENDENCIES) {
                found.push(Boundary {
                    operation: Some(Operation::Adopt),
                    objects: Vec::new(),
                    waits: false,
                });
            }
        }
        if !own.is_empty() && !clause.quoted {
            self.names.extend(own);
        }
        found
    }

    /// What a clause without a name is about: "the raw file" is `data/raw.csv`, and a word or two are about what was
    /// named last.
    fn meant(&self, tokens: &[&str], text: &str) -> Vec<String> {
        /// A clause of so few letters has no object of its own.
        const BRIEF_EAST: usize = 8;
        let is_in = |name: &&String| {
            let mut parts = name.split(|c: char| !c.is_alphanumeric());
            parts.any(|part| part.len() > 2 && tokens.contains(&part))
        };
        let by_part: Vec<String> = self.names.iter().filter(is_in).cloned().collect();
        let points = tokens.iter().any(|token| matches!(*token, "it" | "that" | "this" | "them"))
            || tokens.len() == 1
                && !(tokens.iter().any(|token| token.is_ascii()) && text.chars().any(is_unspaced))
                && text.trim().chars().filter(|c| is_unspaced(*c)).count() <= BRIEF_EAST;
        match by_part.is_empty() && points {
            true => self.names.last().cloned().into_iter().collect(),
            false => by_part,
        }
    }
}

fn says(text: &str, phrases: &[&str]) -> bool {
    phrases.iter().any(|phrase| find_phrase(text, phrase).is_some())
}

/// The plain operations among the words of a clause, by the form of a verb that goes with "may".
fn done_by_nobody(tokens: &[&str]) -> impl Iterator<Item = Operation> {
    let is_verb = |verb: &str| {
        let stem = verb.trim_end_matches('*');
        tokens.iter().any(|token| {
            token.strip_prefix(stem).is_some_and(|end| {
                matches!(end, "" | "e" | "en" | "n" | "t" | "s" | "es" | "er" | "ar" | "r" | "a")
            })
        })
    };
    let all = ENGLISH.iter().chain(STEMS);
    all.filter(move |(operation, verbs)| {
        matches!(
            operation,
            Operation::Push
                | Operation::ForcePush
                | Operation::Commit
                | Operation::Merge
                | Operation::Delete
                | Operation::Deploy
                | Operation::Publish
        ) && verbs.iter().any(|verb| is_verb(verb))
    })
    .map(|(operation, _)| *operation)
}

#[cfg(test)]
mod tests {
    use crate::said::{Boundary, read};

    fn kept(said: &str) -> Vec<Boundary> {
        read(said).boundaries
    }

    #[test]
    fn what_stays_as_it_is_is_named_somewhere_in_the_message() {
        for (said, object) in [
            ("send logs/run.txt unmodified to QA", "logs/run.txt"),
            ("attach logs/run.txt to the repo, unmodified", "logs/run.txt"),
            (
                "clean data/raw.csv into data/clean.csv, the raw file has to stay as it is",
                "data/raw.csv",
            ),
            ("fasse package.json nicht an. mach den Button grün", "package.json"),
            ("config/app.yml bleibt unverändert", "config/app.yml"),
            ("ne touche pas à src/api.ts", "src/api.ts"),
            ("no toques src/api.ts", "src/api.ts"),
            ("src/api.ts はそのままにして", "src/api.ts"),
            ("别动 src/api.ts", "src/api.ts"),
        ] {
            let found = kept(said);
            let is = |it: &Boundary| it.operation.is_none() && it.objects == [object];
            assert!(found.iter().any(is), "{said}: {found:?}");
        }
        for said in
            ["the script keeps data/raw.csv", "is src/api.ts unchanged?", "deploy src/api.ts"]
        {
            assert!(kept(said).is_empty(), "{said}: {:?}", kept(said));
        }
    }
}
