//! What programs do, and what they do not.

use crate::code::tests::expect;

#[test]
fn node_runs_programs() {
    expect(
        "javascript",
        "const { spawnSync: s } = require('node:child_process'); s('rm', ['-rf', 'x'])",
        &["exec rm"],
    );
    expect(
        "javascript",
        "import cp from 'child_process';\ncp.execFile(`git`, ['push'])",
        &["exec git"],
    );
    expect("javascript", "require('child_' + 'process')['spawn']('ls')", &["exec ls"]);
    expect(
        "javascript",
        "const cp = require('child_process'); cp[x]('ls')",
        &["opaque dynamic_code"],
    );
    expect(
        "javascript",
        "require('child_process').spawn(process.argv[2])",
        &["opaque dynamic_program"],
    );
    expect(
        "javascript",
        "eval(await (await fetch('https://a.example/x.js')).text())",
        &["opaque dynamic_code", "net a.example"],
    );
    expect("javascript", "eval(\"require('child_process').spawn('ls')\")", &["exec ls", "!opaque"]);
    expect("javascript", "new Function('return ' + x)()", &["opaque dynamic_code"]);
    expect("javascript", "setTimeout(() => done(), 10); /re'gex/.test(a / b)", &["!opaque"]);
    expect("javascript", "await new Deno.Command('ls', { args: ['-l'] }).output()", &["exec ls"]);
}

#[test]
fn node_touches_files() {
    expect(
        "javascript",
        "const fs = require('fs');\nfs.rmSync('/home/u', { recursive: true, force: true })",
        &["delete /home/u recursive force critical"],
    );
    expect(
        "javascript",
        "import { promises as fs } from 'fs';\nimport path from 'path';\nimport os from 'os';\nawait fs.writeFile(path.join(os.homedir(), '.bashrc'), x)",
        &["persist /home/u/.bashrc"],
    );
    expect(
        "javascript",
        "const p = `${process.env.HOME}/.aws/credentials`;\nrequire('fs').readFileSync(p, 'utf8')",
        &["credential /home/u/.aws/credentials"],
    );
    expect("javascript", "fs.unlink", &["!delete"]);
    expect(
        "javascript",
        "const s = \"fs.rmSync('/')\"; // fs.rmSync('/')\n",
        &["!delete", "!opaque"],
    );
}

#[test]
fn node_talks_to_hosts() {
    expect("javascript", "fetch('https://a.example/x')", &["net a.example method=GET !upload"]);
    expect(
        "javascript",
        "await fetch(`https://a.example/${id}`, { method: 'post', body: JSON.stringify(x) })",
        &["net a.example method=POST upload"],
    );
    expect(
        "javascript",
        "import axios from 'axios';\naxios.post('https://a.example', data)",
        &["net a.example upload"],
    );
    expect("javascript", "console.log(process.env.GITHUB_TOKEN)", &["credential env:GITHUB_TOKEN"]);
    expect("javascript", "console.log(process.env.NODE_ENV)", &["!credential"]);
    expect("javascript", "db.query('DELETE FROM users')", &["database users unbounded"]);
}

#[test]
fn a_name_is_everything_that_is_ever_bound_to_it() {
    let js = |code: &str, wanted: &[&str]| expect("javascript", code, wanted);
    js(
        "const { execSync } = require('child_process'); let c = 'ls'; c = 'rm -rf /home/u'; execSync(c)",
        &["exec ls", "exec rm", "delete /home/u recursive"],
    );
    js(
        "let run; run = require('child_process').exec; run('git push')",
        &["exec git", "vcs_remote"],
    );
    js(
        "let c = 'ls'; c += process.argv[2]; require('child_process').exec(c)",
        &["opaque dynamic_code"],
    );
    js(
        "const { exec: { x } = {}, ...rest } = require('child_process'); rest.execSync('id')",
        &["exec id"],
    );
    js(
        "const [a, b] = ['ls', 'id']; require('child_process').execSync(b)",
        &["exec id", "!exec ls"],
    );
    js(
        "const o = { run: require('child_process').execSync, what: 'id' }; o.run(o.what)",
        &["exec id"],
    );
    js(
        "class A { constructor() { this.run = require('child_process').execSync } go() { this.run('id') } }",
        &["exec id"],
    );
}

#[test]
fn what_is_handed_to_functions_of_the_program_is_followed() {
    let js = |code: &str, wanted: &[&str]| expect("javascript", code, wanted);
    js(
        "const cp = require('child_process'); const run = (c) => cp.execSync(c, {stdio: 'pipe'}); run('ls'); run('id')",
        &["exec ls", "exec id", "!opaque"],
    );
    js(
        "import { execSync } from 'child_process'; for (const f of ['a', 'b']) execSync(`rm ${f}`)",
        &["delete /home/u/proj/a", "delete /home/u/proj/b", "!opaque"],
    );
    js(
        "const { execSync } = require('child_process'); ['id', 'ls'].forEach(c => execSync(c))",
        &["exec id", "exec ls", "!opaque"],
    );
    js("import('child_process').then(cp => cp.exec('id'))", &["exec id"]);
    js("const f = () => 'id'; require('child_process').exec(f())", &["exec id"]);
    // Handed on, so not every call is known.
    js(
        "const run = c => require('child_process').execSync(c); run('ls'); lines.forEach(run)",
        &["opaque dynamic_code"],
    );
    js("lines.map(require('child_process').execSync)", &["opaque dynamic_code"]);
}

#[test]
fn detours_to_a_function_lead_to_it() {
    let js = |code: &str, wanted: &[&str]| expect("javascript", code, wanted);
    js("require('child_process').execSync.call(null, 'id')", &["exec id"]);
    js("require('child_process').spawn.apply(null, ['id', ['-u']])", &["exec id"]);
    js("Reflect.apply(require('child_process').exec, null, ['id'])", &["exec id"]);
    js("const e = require('child_process').exec.bind(null); e('id')", &["exec id"]);
    js("process.mainModule.require('child_process').exec('id')", &["exec id"]);
    js("process.getBuiltinModule('child_process').exec('id')", &["exec id"]);
    js(
        "import { createRequire } from 'module'; const r = createRequire(import.meta.url); r('child_process').exec('id')",
        &["exec id"],
    );
    js("(0, globalThis['ev' + 'al'])(\"require('child_process').exec('id')\")", &["exec id"]);
    js("[]['constructor']['constructor']('return process')()", &["opaque dynamic_code"]);
    js("(x ? require('fs') : require('child_process')).exec('id')", &["exec id"]);
    js("require(a || 'child_process').exec('id')", &["opaque dynamic_code"]);
}

#[test]
fn text_that_runs_later_is_code() {
    let js = |code: &str, wanted: &[&str]| expect("javascript", code, wanted);
    js("setTimeout(\"require('child_process').exec('id')\")", &["exec id"]);
    js("require('vm').runInThisContext(\"require('child_process').exec('id')\")", &["exec id"]);
    js(
        "const { Worker } = require('worker_threads'); new Worker(\"require('child_process').exec('id')\", { eval: true })",
        &["exec id"],
    );
    for code in [
        "new Function('return process')().mainModule.require('child_process').exec('id')",
        "const p = Function('return process')(); p.mainModule.require('child_process').exec('id')",
    ] {
        js(code, &["opaque dynamic_code"]);
    }
    js(
        "new Worker('./w.js'); setTimeout(f, 10); new Function('a', 'return a + 1')(2)",
        &["!opaque"],
    );
}

#[test]
fn files_are_opened_and_names_looked_up() {
    let js = |code: &str, wanted: &[&str]| expect("javascript", code, wanted);
    for code in ["require('fs').openSync('a', 'w')", "require('fs').promises.open('a', 'a+')"] {
        js(code, &["write /home/u/proj/a"]);
    }
    js("require('fs').openSync('a', 'r'); require('fs').openSync('b')", &["!write", "!opaque"]);
    js("require('dns').lookup('a.example', () => {})", &["net a.example"]);
}

#[test]
fn texts_are_put_together() {
    let js = |code: &str, wanted: &[&str]| expect("javascript", code, wanted);
    js("require('child_process').exec(['git', 'status'].join(' '))", &["exec git"]);
    js("require('child_process').exec('di'.split('').reverse().join(''))", &["exec id"]);
    js("require('child_process').exec(String.fromCharCode(105, 100))", &["exec id"]);
    js("require('child_process').exec(Buffer.from('aWQ=', 'base64').toString())", &["exec id"]);
    js("require('child_process').exec(Buffer.from('6964', 'hex').toString())", &["exec id"]);
    js("require('child_process').exec('xd'.replace('x', 'i'))", &["exec id"]);
    js("fetch('https://' + ['a', 'example'].join('.') + '/x')", &["net a.example"]);
}

#[test]
fn typescript_and_jsx_are_read() {
    expect(
        "typescript",
        "import { execSync } from 'node:child_process';\nconst run = (c: string): Buffer => execSync(c as string)!;\nrun('id');",
        &["exec id", "!opaque"],
    );
    expect(
        "javascript",
        "const a = <div onClick={() => fetch('https://a.example')} />",
        &["net a.example"],
    );
    expect("javascript", "return require('child_process').execSync('id')", &["exec id"]);
    expect("javascript", "const a = ;", &["opaque parse_error"]);
    expect("javascript", "const r = /[(]{`/g; a = b / c / d; `${`${x}`}`", &["!opaque"]);
}

#[test]
fn hostile_nesting_is_opaque_and_cheap() {
    for (open, close) in [
        ("(", ")"),
        ("[", "]"),
        ("{", "}"),
        ("!", ""),
        ("a=>", ""),
        ("a?b:", ""),
        ("`${", "}`"),
        ("new ", ""),
        ("a=", ""),
        ("- ", ""),
        ("if(a)", ""),
        ("a.", "b"),
        ("1+", "1"),
        ("f(\"))\",", ")"),
        ("<a>", "</a>"),
        ("a?.b", ""),
        ("x,", ""),
        ("a**", "a"),
        ("()=>{", "}"),
        ("typeof ", ""),
        ("a:", ""),
        ("class A{x=", "}"),
    ] {
        for times in [90, 900, 3_900, 20_000, 60_000] {
            let code = format!("{}1{}", open.repeat(times), close.repeat(times));
            if code.len() <= crate::context::limits::CODE_BYTES {
                expect("javascript", &code, &["!exec"]);
            }
        }
    }
    let hidden = format!("{}require('child_process').exec('id')", "(".repeat(3_000));
    expect("javascript", &format!("{hidden}{}", ")".repeat(3_000)), &["opaque too_deep"]);
}
