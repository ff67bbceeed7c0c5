//! A fresh bucket for whoever asks, on a real S3 server over HTTP: a throw-away `moto_server`
//! (PyPI: `moto[server]`) that the first test starts and that stops by itself when no test
//! has asked for a bucket in five minutes.

use std::{
    fs::{self, File},
    hash::{DefaultHasher, Hash, Hasher},
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use store::blobs::S3Config;

/// Makes a bucket; `None`, with words, where there is no server to be had.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
pub(crate) fn fresh_bucket() -> Option<S3Config> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let Some(host) = server() else {
        eprintln!("skipped: moto_server is not installed (pip install 'moto[server]')");
        return None;
    };
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let bucket = format!("plimsoll-{}-{number}", std::process::id());
    let mut stream = TcpStream::connect(&host).expect("the server");
    // Unsigned, which this server takes.
    let request = format!(
        "PUT /{bucket} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.contains(" 200 "), "{answer}");
    Some(S3Config {
        endpoint: Some(format!("http://{host}")),
        region: "us-east-1".to_owned(),
        bucket,
        access_key: "test".to_owned(),
        secret_key: "secret".to_owned(),
        prefix: String::new(),
        allow_http: true,
        redirect: false,
    })
}

/// Returns host and port of the server.
#[expect(
    clippy::disallowed_methods,
    reason = "where tests are told of the program"
)]
fn server() -> Option<String> {
    let program = std::env::var("PLIMSOLL_MOTO_SERVER");
    let program = program.unwrap_or_else(|_| "moto_server".to_owned());
    let mut hasher = DefaultHasher::new();
    // One for all crates of this checkout.
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .hash(&mut hasher);
    let dir = std::env::temp_dir().join(format!("plimsoll-s3-{:08x}", hasher.finish() as u32));
    fs::create_dir_all(&dir).expect("a folder");
    // Whoever has the lock is the only one to start or stop the server.
    let lock = File::create(dir.join("lock")).expect("a lock file");
    lock.lock().expect("the lock");
    File::create(dir.join("used")).expect("a time stamp");
    if let Some(host) = running(&dir) {
        return Some(host);
    }
    start(&program, &dir);
    let end = Instant::now() + Duration::from_secs(30);
    while Instant::now() < end {
        if let Some(host) = running(&dir) {
            return Some(host);
        }
        let said = fs::read_to_string(dir.join("log")).unwrap_or_default();
        if said.contains("not found") {
            return None;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    None
}

fn running(dir: &Path) -> Option<String> {
    let log = fs::read_to_string(dir.join("log")).ok()?;
    let (_, url) = log.split_once("Running on http://")?;
    let host = url.split_whitespace().next()?;
    TcpStream::connect(host).is_ok().then(|| host.to_owned())
}

/// Starts the server, and beside it a watch that stops it.
fn start(program: &str, dir: &Path) {
    let text = r#"
        cd "$0"
        rm -f log
        setsid sh -c 'echo $$ >pid; exec "$0" -H 127.0.0.1 -p 0' "$1" >log 2>&1 </dev/null &
        setsid sh -c 'while sleep 20; do
            flock lock sh -c "test -n \"\$(find used -mmin -5)\" || { kill \$(cat pid); rm -f log; exit 1; }" || exit 0
        done' >/dev/null 2>&1 </dev/null &
    "#;
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(text).arg(dir).arg(program);
    let started = shell
        .env_remove("AWS_ACCESS_KEY_ID")
        .stdin(Stdio::null())
        .status();
    assert!(started.is_ok_and(|status| status.success()), "a shell");
}
