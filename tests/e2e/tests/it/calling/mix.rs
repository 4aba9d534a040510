//! Many requests at a time on few connections, of which some are given up, at any point: no answer is another request's.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use fastcgi_test_kit::{scaled, seed};
use fastcgi_tower::client::{Client, ClientBody, ExtraParams};
use http::{Method, Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use libtest_mimic::Failed;
use tower_service::Service;

use super::peer::Peer;
use super::{Check, runtime};

pub(super) const CHECKS: &[(&str, Check)] = &[(
    "none_of_ten_thousand_requests_is_mixed_up_with_one_that_was_given_up",
    mixed,
)];

/// So many are in progress or wait for a place.
const TASKS: u32 = 8;
const CONNECTIONS: usize = 4;
const REQUESTS: u32 = 10_000;

/// When a request is given up.
const STATES: [&str; 6] = [
    "after some polls of an exchange",
    "after some time of an exchange",
    "after some polls of an HTTP request",
    "in the middle of its body",
    "after the head of the response",
    "in the middle of the response",
];

/// How the requests of a task have ended.
#[derive(Debug, Default)]
struct Tally {
    answered: u32,
    given_up: [u32; STATES.len()],
}

fn mixed(peer: &Peer) -> Result<(), Failed> {
    let seed = seed(22);
    let each = scaled(REQUESTS) / TASKS;
    let client = peer.client().max_connections(CONNECTIONS);
    let tallies = runtime()?.block_on(async {
        let tasks = (0..TASKS).map(|task| {
            let random = Random(seed ^ u64::from(task) << 32);
            run(peer, client.clone(), random, task, each)
        });
        futures_util::future::try_join_all(tasks).await
    })?;
    let answered: u32 = tallies.iter().map(|tally| tally.answered).sum();
    let given_up = STATES.iter().enumerate().map(|(state, name)| {
        let count: u32 = tallies.iter().map(|tally| tally.given_up[state]).sum();
        (*name, count)
    });
    let given_up: Vec<_> = given_up.collect();
    let in_all: u32 = given_up.iter().map(|(_, count)| count).sum();
    assert_eq!(answered + in_all, each * TASKS, "{given_up:?}");
    // A tenth, less those that were answered before they could be given up.
    assert!(in_all >= each * TASKS / 20, "{given_up:?}");
    for (name, count) in &given_up {
        assert!(*count > 0, "none {name}: {given_up:?}");
    }
    assert!(peer.is_running());
    Ok(())
}

async fn run(
    peer: &Peer,
    mut client: Client,
    mut random: Random,
    task: u32,
    requests: u32,
) -> Result<Tally, Failed> {
    let mut tally = Tally::default();
    for number in 0..requests {
        // What identifies it is at both ends.
        let name = format!("{task}-{number}.");
        let length = match random.below(20) {
            0 => random.below(200_000),
            _ => random.below(2_000),
        };
        let body = [&name, &*"x".repeat(length), &name].concat();
        let question = Question {
            peer,
            name: &name,
            body: body.into(),
        };
        let state = random.below(10 * STATES.len());
        let answer = if state < STATES.len() {
            question.give_up(&mut client, state, &mut random).await?
        } else {
            question.ask(&mut client, &mut random).await?;
            None
        };
        match answer {
            Some(state) => tally.given_up[state] += 1,
            None => tally.answered += 1,
        }
    }
    Ok(tally)
}

/// A request, which is answered with its own body.
struct Question<'a> {
    peer: &'a Peer,
    name: &'a str,
    body: Bytes,
}

impl Question<'_> {
    fn check(&self, body: &[u8]) -> Result<(), Failed> {
        if body == self.body {
            return Ok(());
        }
        let found = body.get(..40).unwrap_or(body).escape_ascii();
        let (name, wanted) = (self.name, self.body.len());
        Err(format!("{name} got {} of {wanted} bytes: {found}", body.len()).into())
    }

    fn http(&self, body: Upload) -> Result<Request<Upload>, Failed> {
        let mut request = Request::post("/echo").body(body)?;
        let script = self.peer.script("/echo")?.location();
        request.extensions_mut().insert(ExtraParams::from(script));
        Ok(request)
    }

    async fn ask(&self, client: &mut Client, random: &mut Random) -> Result<(), Failed> {
        if random.below(2) == 0 {
            let script = self.peer.script("/echo")?.method(Method::POST);
            let output = client.exchange(script, self.body.clone()).await?;
            return self.check(output.into_response()?.body());
        }
        let response = client.call(self.http(Upload::whole(&self.body))?).await?;
        self.check(&response.into_body().collect().await?.to_bytes())
    }

    /// Gives up at a state, and gives it; or nothing, where the answer came first.
    async fn give_up(
        &self,
        client: &mut Client,
        state: usize,
        random: &mut Random,
    ) -> Result<Option<usize>, Failed> {
        let script = self.peer.script("/echo")?.method(Method::POST);
        let polls = random.below(6);
        match state {
            0 => {
                let exchange = client.exchange(script, self.body.clone());
                if let Some(output) = polled(exchange, polls).await {
                    self.check(output?.into_response()?.body())?;
                    return Ok(None);
                }
            }
            1 => {
                let limit = Duration::from_micros(random.below(2_000) as u64);
                let client = client.clone().timeout(Some(limit));
                match client.exchange(script, self.body.clone()).await {
                    Ok(output) => {
                        self.check(output.into_response()?.body())?;
                        return Ok(None);
                    }
                    Err(error) if error.is_timeout() => {}
                    Err(error) => return Err(error.into()),
                }
            }
            2 => {
                let request = self.http(Upload::whole(&self.body))?;
                if let Some(response) = polled(client.call(request), polls).await {
                    let body = response?.into_body().collect().await?.to_bytes();
                    self.check(&body)?;
                    return Ok(None);
                }
            }
            3 => {
                let request = self.http(Upload::half(&self.body))?;
                // It cannot be answered before it is whole: these applications read the body first, but for an early failure.
                let limit = Duration::from_micros(random.below(5_000) as u64);
                let answer = tokio::time::timeout(limit, client.call(request)).await;
                if let Ok(Ok(response)) = answer {
                    return Err(format!("half of a body is answered: {response:?}").into());
                }
            }
            4 => drop(client.call(self.http(Upload::whole(&self.body))?).await?),
            _ => {
                let response = client.call(self.http(Upload::whole(&self.body))?).await?;
                self.read_some(response, random.below(3)).await?;
            }
        }
        Ok(Some(state))
    }

    /// Reads some frames, which are its own as far as they go.
    async fn read_some(
        &self,
        response: Response<ClientBody<Upload>>,
        frames: usize,
    ) -> Result<(), Failed> {
        let mut body = response.into_body();
        let mut rest = &self.body[..];
        for _ in 0..frames {
            let Some(frame) = body.frame().await else {
                break;
            };
            let data = frame?.into_data().map_err(|_| "trailers")?;
            let own = rest.strip_prefix(&data[..]);
            rest = own.ok_or_else(|| format!("{} got another's body", self.name))?;
        }
        Ok(())
    }
}

/// The output of a future that is polled so many times, as it is woken.
async fn polled<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            // The last poll is not waited for.
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// A body in two pieces, of which the second may never come.
#[derive(Debug)]
struct Upload {
    pieces: Vec<Bytes>,
    length: u64,
    ends: bool,
}

impl Upload {
    fn whole(body: &Bytes) -> Self {
        let (front, back) = body.split_at(body.len() / 2);
        Self {
            pieces: [back, front].map(|piece| body.slice_ref(piece)).into(),
            length: body.len() as u64,
            ends: true,
        }
    }

    fn half(body: &Bytes) -> Self {
        Self {
            pieces: vec![body.slice(..body.len() / 2)],
            ends: false,
            ..Self::whole(body)
        }
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.pieces.pop() {
            Some(piece) => Poll::Ready(Some(Ok(Frame::data(piece)))),
            None if self.ends => Poll::Ready(None),
            None => Poll::Pending,
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}

/// splitmix64
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        let limit = u64::try_from(limit).expect("a small limit");
        usize::try_from(mixed % limit).expect("less than the limit")
    }
}
