//! The client over TLS, with a server of OpenSSL.

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use tempfile::tempdir;

use super::{Client, ClientError, ClientOptions, Credentials, repo};

/// Ends the server with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn openssl(dir: &Path, arguments: &str) -> Command {
    let mut command = Command::new("openssl");
    command
        .args(arguments.split(' '))
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// Serves one list of tags over TLS; nothing where OpenSSL is not installed.
fn serve(dir: &Path) -> Option<(Running, SocketAddr)> {
    let config = "[req]\ndistinguished_name=dn\nprompt=no\nx509_extensions=x\n[dn]\nCN=test\n\
                  [x]\nbasicConstraints=CA:FALSE\nsubjectAltName=IP:127.0.0.1\n";
    fs::write(dir.join("cnf"), config).expect("a file");
    let made = openssl(
        dir,
        "req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -config cnf",
    );
    if !{ made }.status().is_ok_and(|status| status.success()) {
        eprintln!("skipped: openssl is not installed");
        return None;
    }
    fs::create_dir_all(dir.join("v2/acme/db/tags")).expect("directories");
    let answer =
        "HTTP/1.1 200 OK\r\nContent-Length: 14\r\nConnection: close\r\n\r\n{\"tags\":[\"a\"]}";
    fs::write(dir.join("v2/acme/db/tags/list"), answer).expect("a file");
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = free.local_addr().expect("an address");
    drop(free);
    let port = address.port();
    let server = openssl(
        dir,
        &format!("s_server -accept {port} -cert cert.pem -key key.pem -HTTP -quiet"),
    )
    .spawn()
    .expect("a server");
    let server = Running(server);
    for _ in 0..100 {
        if TcpStream::connect(address).is_ok() {
            return Some((server, address));
        }
        thread::sleep(Duration::from_millis(20));
    }
    panic!("openssl s_server does not listen on {address}");
}

#[test]
fn trusts_the_certificates_it_is_given() {
    let dir = tempdir().expect("a directory");
    let Some((_server, address)) = serve(dir.path()) else {
        return;
    };
    let tags = |ca_file| {
        let options = ClientOptions {
            plain_http: Some(false),
            ca_file,
            ..ClientOptions::default()
        };
        Client::new(&address.to_string(), Credentials::Anonymous, &options)?.tags(&repo())
    };
    let error = tags(None).expect_err("not trusted").to_string();
    assert!(error.contains("its certificate is trusted"), "{error}");
    let found = tags(Some(dir.path().join("cert.pem"))).expect("tags");
    assert_eq!(found, ["a"]);
    let error = tags(Some(dir.path().join("cnf"))).expect_err("no certificate");
    assert!(matches!(error, ClientError::Certificates { .. }), "{error}");
}
