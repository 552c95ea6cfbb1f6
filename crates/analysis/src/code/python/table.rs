//! Names of Python's libraries that matter.

/// The kind of object that calling this class or function makes.
pub(super) fn class_made(name: &str) -> Option<&'static str> {
    Some(match name {
        "subprocess.run" | "subprocess.Popen" | "os.popen" => "shell",
        "socket.socket" | "socket.create_connection" | "ssl.wrap_socket" => "socket",
        "requests.Session"
        | "requests.session"
        | "httpx.Client"
        | "httpx.AsyncClient"
        | "aiohttp.ClientSession"
        | "urllib3.PoolManager" => "session",
        "sqlite3.connect"
        | "psycopg2.connect"
        | "psycopg.connect"
        | "pymysql.connect"
        | "MySQLdb.connect"
        | "mysql.connector.connect"
        | "asyncpg.connect"
        | "duckdb.connect"
        | "sqlalchemy.create_engine"
        | "pyodbc.connect"
        | "cx_Oracle.connect"
        | "oracledb.connect"
        | "aiosqlite.connect" => "db",
        "smtplib.SMTP" | "smtplib.SMTP_SSL" => "smtp",
        "ftplib.FTP" | "ftplib.FTP_TLS" => "ftp",
        "paramiko.SSHClient" | "paramiko.client.SSHClient" => "ssh",
        "http.client.HTTPConnection" | "http.client.HTTPSConnection" => "http",
        "urllib.request.Request" => "request",
        "psutil.Process" => "process",
        "boto3.client" | "boto3.resource" => "cloud",
        "boto3.Session" | "boto3.session.Session" => "account",
        "kubernetes.client.CoreV1Api"
        | "kubernetes.client.AppsV1Api"
        | "kubernetes.client.BatchV1Api"
        | "kubernetes.client.RbacAuthorizationV1Api"
        | "kubernetes.client.NetworkingV1Api"
        | "kubernetes.client.CustomObjectsApi" => "cluster",
        "slack_sdk.WebClient" | "slack_sdk.web.WebClient" | "slack.WebClient" => "chat",
        "zipfile.ZipFile" | "tarfile.open" | "tarfile.TarFile" => "archive",
        _ => return None,
    })
}

/// Whether this call fetches from or sends to a URL in its first argument (the second for `.request`).
pub(super) fn is_request(name: &str) -> bool {
    if let Some((library, method)) = name.rsplit_once('.')
        && matches!(library, "requests" | "httpx" | "session" | "requests.api")
    {
        return matches!(
            method,
            "get" | "post" | "put" | "patch" | "delete" | "head" | "options" | "request" | "stream"
        );
    }
    matches!(
        name,
        "urllib.request.urlopen"
            | "urllib.request.urlretrieve"
            | "urllib2.urlopen"
            | "urllib.urlopen"
            | "urllib.urlretrieve"
            | "urllib3.request"
            | "wget.download"
            | "pandas.read_html"
    )
}

/// Functions that run their argument as Python.
pub(super) const RUN_CODE: &[&str] = &[
    "builtins.eval",
    "builtins.exec",
    "builtins.compile",
    "builtins.execfile",
    "cProfile.run",
    "cProfile.runctx",
    "profile.run",
    "pdb.run",
    "pdb.runeval",
    "trace.Trace.run",
    "timeit.timeit",
];

/// Modules that others import, and that are reached through them: `shutil.os`.
pub(super) fn is_module_of_others(name: &str) -> bool {
    matches!(name, "os" | "subprocess" | "sys" | "shutil" | "builtins" | "importlib")
}

/// Methods of tables that write a file.
pub(super) fn writes_table(method: &str) -> bool {
    matches!(
        method,
        "to_csv" | "to_json" | "to_excel" | "to_parquet" | "to_pickle" | "to_feather" | "to_hdf"
    )
}

/// Functions that run code hidden in data.
pub(super) const UNPICKLE: &[&str] = &[
    "pickle.loads",
    "pickle.load",
    "cPickle.loads",
    "cPickle.load",
    "_pickle.loads",
    "dill.loads",
    "dill.load",
    "cloudpickle.loads",
    "cloudpickle.load",
    "marshal.loads",
    "marshal.load",
    "yaml.unsafe_load",
    "yaml.full_load",
    "jsonpickle.decode",
    "shelve.open",
    "joblib.load",
];

/// Whether a function runs or removes what it is given.
pub(super) fn is_powerful(name: &str) -> bool {
    matches!(
        name,
        "os.system"
            | "os.popen"
            | "os.remove"
            | "os.unlink"
            | "os.rmdir"
            | "os.kill"
            | "shutil.rmtree"
            | "shutil.move"
            | "pty.spawn"
            | "subprocess.run"
            | "subprocess.call"
            | "subprocess.check_call"
            | "subprocess.check_output"
            | "subprocess.Popen"
            | "subprocess.getoutput"
            | "subprocess.getstatusoutput"
            | "builtins.exec"
            | "builtins.eval"
            | "builtins.__import__"
            | "pickle.loads"
            | "pickle.load"
            | "marshal.loads"
    ) || name.starts_with("os.exec")
        || name.starts_with("os.spawn")
}

/// Words in a variable's name that say it holds a secret.
const SECRET_WORDS: &[&str] = &[
    "secret",
    "token",
    "password",
    "passwd",
    "apikey",
    "api_key",
    "access_key",
    "private_key",
    "credential",
    "auth_key",
    "database_url",
    "dsn",
    "connection_string",
    "session_key",
    "client_secret",
    "webhook",
];

/// Whether the name of an environment variable says that it holds a secret.
pub(crate) fn is_secret_variable(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    SECRET_WORDS.iter().any(|word| lower.contains(word))
        || lower.ends_with("_key")
        || lower.ends_with("_pat")
}

/// Variables that make programs run code; setting one is an effect of its own.
pub(super) fn is_exec_variable(name: &str) -> bool {
    matches!(
        name,
        "PATH"
            | "LD_PRELOAD"
            | "LD_LIBRARY_PATH"
            | "LD_AUDIT"
            | "DYLD_INSERT_LIBRARIES"
            | "DYLD_LIBRARY_PATH"
            | "BASH_ENV"
            | "ENV"
            | "PROMPT_COMMAND"
            | "PYTHONSTARTUP"
            | "PYTHONPATH"
            | "PYTHONHOME"
            | "PERL5OPT"
            | "PERL5LIB"
            | "RUBYOPT"
            | "NODE_OPTIONS"
            | "GIT_SSH_COMMAND"
            | "GIT_SSH"
            | "GIT_EXTERNAL_DIFF"
            | "GIT_PAGER"
            | "PAGER"
            | "EDITOR"
            | "VISUAL"
            | "BROWSER"
            | "SHELL"
    )
}
