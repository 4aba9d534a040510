//! Requests with forms and files, and the cookies of answers.

use fastcgi_e2e::{Request, Response};

/// A form, as browsers send it.
pub(super) fn form(target: &str, body: &str) -> Request {
    Request::post(target, body).header("Content-Type", "application/x-www-form-urlencoded")
}

/// A form with a file.
pub(super) fn upload(name: &str, size: usize, is_chunked: bool) -> Request {
    let content: Vec<u8> = (0_u8..251).cycle().take(size).collect();
    upload_of(name, &content, is_chunked)
}

pub(super) fn upload_of(name: &str, content: &[u8], is_chunked: bool) -> Request {
    let head = format!(
        "--boundary\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    );
    let body = [head.as_bytes(), content, b"\r\n--boundary--\r\n"].concat();
    let request = if is_chunked {
        Request::post_chunked("/upload.php", &body, 100_000)
    } else {
        Request::post("/upload.php", body)
    };
    request.header("Content-Type", "multipart/form-data; boundary=boundary")
}

/// The cookie that an answer sets.
pub(super) fn session(response: &Response) -> String {
    let cookies = response.all("set-cookie");
    let mut sessions = cookies.iter().filter(|it| it.starts_with("PHPSESSID="));
    let last = sessions.next_back().and_then(|it| it.split(';').next());
    last.unwrap_or_default().to_owned()
}
