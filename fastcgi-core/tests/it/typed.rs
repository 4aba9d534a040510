//! Params as what they mean: users, certificates, files, servers.

use fastcgi_core::{
    AuthType, ClientCertificate, DocumentRoot, FromParams, MissingParam, Params, RemoteUser,
    ScriptFilename, ServerName, ServerPort,
};

fn params(pairs: &[(&str, &str)]) -> Params {
    pairs.iter().copied().collect()
}

/// How a request is refused.
fn refusal<T: FromParams + std::fmt::Debug>(pairs: &[(&str, &str)]) -> (u16, String) {
    let missing = T::from_params(&params(pairs)).expect_err("a refusal");
    (missing.status().as_u16(), missing.to_string())
}

#[test]
fn what_the_web_server_knows_has_methods() {
    let params = params(&[
        ("DOCUMENT_ROOT", "/srv/www"),
        ("SCRIPT_FILENAME", "/srv/www/app.fcgi"),
        ("SERVER_NAME", "first.example"),
        ("SERVER_NAME", "example.org"),
        ("SERVER_PORT", "8443"),
        ("REMOTE_USER", "ann"),
        ("AUTH_TYPE", "Basic"),
    ]);
    assert_eq!(params.document_root(), Some(&b"/srv/www"[..]));
    assert_eq!(params.script_filename(), Some(&b"/srv/www/app.fcgi"[..]));
    assert_eq!(params.server_name(), Some(&b"example.org"[..]), "T-1");
    assert_eq!(params.server_port(), Some(8443));
    assert_eq!(
        RemoteUser::from_params(&params).expect("a user").as_str(),
        "ann"
    );
    assert_eq!(
        AuthType::from_params(&params)
            .expect("a type")
            .into_string(),
        "Basic"
    );
    assert_eq!(
        DocumentRoot::from_params(&params)
            .expect("a path")
            .to_string(),
        "/srv/www"
    );
    let file = ScriptFilename::from_params(&params).expect("a path");
    assert_eq!(file.as_str(), "/srv/www/app.fcgi");
    assert_eq!(
        ServerName::from_params(&params).expect("a name").as_str(),
        "example.org"
    );
    assert_eq!(
        ServerPort::from_params(&params).expect("a port").get(),
        8443
    );
}

#[test]
fn what_is_missing_has_a_status() {
    for pairs in [&[][..], &[("REMOTE_USER", ""), ("AUTH_TYPE", "")]] {
        assert_eq!(
            refusal::<RemoteUser>(pairs),
            (401, "REMOTE_USER is absent".to_owned())
        );
        assert_eq!(refusal::<AuthType>(pairs).0, 401);
        assert_eq!(refusal::<ClientCertificate>(pairs).0, 403);
        assert_eq!(refusal::<DocumentRoot>(pairs).0, 500);
        assert_eq!(refusal::<ScriptFilename>(pairs).0, 500);
        assert_eq!(refusal::<ServerName>(pairs).0, 500);
        assert_eq!(refusal::<ServerPort>(pairs).0, 500);
    }
    for port in ["0", "65536", "http", "-1"] {
        assert_eq!(
            refusal::<ServerPort>(&[("SERVER_PORT", port)]),
            (500, "SERVER_PORT is invalid".to_owned())
        );
    }
    let params: Params = [(&b"REMOTE_USER"[..], &b"\xff"[..])].into_iter().collect();
    let missing: MissingParam = RemoteUser::from_params(&params).expect_err("no text");
    assert_eq!(
        (missing.status().as_u16(), missing.is_absent()),
        (400, false)
    );
}

/// What a client can send is not what the web server knows.
#[test]
fn header_fields_are_never_read() {
    let params = params(&[
        ("HTTP_REMOTE_USER", "eve"),
        ("HTTP_AUTH_TYPE", "Basic"),
        ("HTTP_SSL_CLIENT_VERIFY", "SUCCESS"),
        ("HTTP_SSL_CLIENT_S_DN", "CN=eve"),
        ("HTTP_DOCUMENT_ROOT", "/"),
        ("HTTP_SCRIPT_FILENAME", "/etc/passwd"),
        ("HTTP_SERVER_NAME", "evil.example"),
        ("HTTP_SERVER_PORT", "1"),
    ]);
    assert_eq!(params.remote_user(), None);
    assert_eq!(params.auth_type(), None);
    assert_eq!(params.client_certificate(), None);
    assert_eq!(params.document_root(), None);
    assert_eq!(params.script_filename(), None);
    assert_eq!(params.server_name(), None);
    assert_eq!(params.server_port(), None);
}

/// Names are compared as they are: an operator may send others that look alike.
#[test]
fn the_lookup_is_exact() {
    let params = params(&[("remote_user", "ann"), ("Server_Name", "x")]);
    assert_eq!(params.remote_user(), None);
    assert_eq!(params.server_name(), None);
    assert_eq!(params.get("remote_user"), Some(&b"ann"[..]));
}

const PEM: &str = "-----BEGIN CERTIFICATE-----\n\
    MIIBdzCCAR2gAwIBAgIUQ2h1Y2sgTm9ycmlzIHdhcyBoZXJlIQAwCgYIKoZIzj0E\n\
    AwIw\n\
    -----END CERTIFICATE-----\n";

#[test]
fn a_certificate_is_read_as_apache_and_lighttpd_name_it() {
    let params = params(&[
        ("SSL_CLIENT_VERIFY", "SUCCESS"),
        ("SSL_CLIENT_S_DN", "CN=ann,O=Example"),
        ("SSL_CLIENT_I_DN", "CN=ca"),
        ("SSL_CLIENT_M_SERIAL", "0A1B"),
        ("SSL_CLIENT_CERT", PEM),
    ]);
    let certificate = params.client_certificate().expect("a certificate");
    assert!(certificate.is_verified());
    assert_eq!(certificate.subject(), Some(&b"CN=ann,O=Example"[..]));
    assert_eq!(certificate.issuer(), Some(&b"CN=ca"[..]));
    assert_eq!(certificate.serial(), Some(&b"0A1B"[..]));
    assert_eq!(certificate.pem().as_deref(), Some(PEM));
    let extracted = ClientCertificate::from_params(&params).expect("a verified one");
    assert_eq!(extracted, certificate);
    assert_eq!(
        format!("{certificate:?}"),
        "ClientCertificate { is_verified: true, .. }"
    );
}

#[test]
fn a_certificate_in_pem_is_read_in_each_form() {
    let lines: Vec<&str> = PEM.lines().collect();
    let forms = [
        // $ssl_client_cert
        ("SSL_CLIENT_CERT", lines.join("\n\t")),
        ("SSL_CLIENT_CERT", lines.join("\r\n")),
        ("SSL_CLIENT_RAW_CERT", PEM.to_owned()),
        // $ssl_client_escaped_cert
        (
            "SSL_CLIENT_ESCAPED_CERT",
            PEM.replace(' ', "%20")
                .replace('\n', "%0A")
                .replace('+', "%2B"),
        ),
        // ssl_c_der,base64
        ("SSL_CLIENT_CERT", lines[1..3].concat()),
    ];
    for (name, value) in forms {
        let params = params(&[("SSL_CLIENT_SERIAL", "0A"), (name, &value)]);
        let certificate = params.client_certificate().expect("a certificate");
        assert_eq!(certificate.pem().as_deref(), Some(PEM), "{value}");
        assert_eq!(certificate.serial(), Some(&b"0A"[..]));
    }
    for invalid in ["(null)", "<none>", "-----BEGIN CERTIFICATE-----"] {
        let params = params(&[("SSL_CLIENT_CERT", invalid)]);
        let certificate = params.client_certificate().expect("something");
        assert_eq!(certificate.pem(), None, "{invalid}");
    }
}

/// An application that only asks for the subject would let everybody in who can make a certificate.
#[test]
fn a_certificate_that_was_not_verified_lets_nobody_in() {
    for verify in [
        "FAILED:self-signed certificate",
        "GENEROUS",
        "success",
        "0",
        "1",
    ] {
        let pairs = [("SSL_CLIENT_VERIFY", verify), ("SSL_CLIENT_S_DN", "CN=eve")];
        let certificate = params(&pairs).client_certificate().expect("it was shown");
        assert!(!certificate.is_verified(), "{verify}");
        let expected = (403, "SSL_CLIENT_VERIFY is not SUCCESS".to_owned());
        assert_eq!(refusal::<ClientCertificate>(&pairs), expected);
    }
    let unsaid = params(&[("SSL_CLIENT_S_DN", "CN=eve")]);
    assert!(
        !unsaid
            .client_certificate()
            .expect("it was shown")
            .is_verified()
    );
    for none in [
        &[("SSL_CLIENT_VERIFY", "NONE"), ("SSL_CLIENT_S_DN", "(null)")][..],
        &[
            ("SSL_CLIENT_VERIFY", "SUCCESS"),
            ("SSL_CLIENT_VERIFY", "NONE"),
        ],
        &[("SSL_CLIENT_VERIFY", ""), ("SSL_CLIENT_CERT", "")],
    ] {
        assert_eq!(params(none).client_certificate(), None);
    }
}

#[cfg(feature = "serde")]
#[test]
fn params_are_a_map_for_serde() {
    let params: Params = [
        (&b"SCRIPT_NAME"[..], &b"/default"[..]),
        (b"HTTP_X", "Zo\u{eb} \\".as_bytes()),
        (b"BYTES", b"a\xff\xc3b"),
        (b"SCRIPT_NAME", b""),
        (b"N\x80", b""),
    ]
    .into_iter()
    .collect();
    assert_eq!(
        serde_json::to_string(&params).expect("a map"),
        r#"{"SCRIPT_NAME":"","HTTP_X":"Zoë \\","BYTES":"a\\xff\\xc3b","N\\x80":""}"#
    );
}
