//! The calls in progress on one connection, and the service that they go to.

use std::{
    iter::once,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use proto::{Connection, Event, NewRequest, RequestKey};

use super::call::{Call, PinnedCall};
use crate::{
    counters::{Outcome, Tally},
    exchange::{CallAlarm, ConnectionAlarm, ConnectionId, ExchangeService, Inlet},
    socket::Origin,
};

/// A place for each request that core knows, by its key.
pub(crate) struct Calls<S: ExchangeService> {
    service: S,
    id: ConnectionId,
    is_plain_cgi: bool,
    /// On most connections it is the only one.
    first: Place<S>,
    more: Vec<Place<S>>,
    /// The place whose turn it is: behind the one that took the room for responses last.
    turn: usize,
    /// How many requests were begun.
    begun: u64,
    /// How many bytes that arrived were of use, since it was asked last.
    used: usize,
    alarm: Arc<ConnectionAlarm>,
    pub(super) tally: Tally,
}

struct Place<S: ExchangeService> {
    call: Option<PinnedCall<S>>,
    /// What a call that is over has left for the next one.
    spare: Option<PinnedCall<S>>,
    alarm: CallAlarm,
    waker: Waker,
}

impl<S: ExchangeService> Calls<S> {
    pub(crate) fn new(service: S, id: ConnectionId, is_plain_cgi: bool, tally: Tally) -> Self {
        let alarm = Arc::<ConnectionAlarm>::default();
        Self {
            service,
            id,
            is_plain_cgi,
            first: Place::new(CallAlarm::First(Arc::clone(&alarm))),
            more: Vec::new(),
            turn: 0,
            begun: 0,
            used: 0,
            alarm,
            tally,
        }
    }

    /// Takes in what has arrived, in the buffer `origin`, or happened.
    pub(super) fn take(&mut self, event: Event, origin: Origin) {
        match event {
            Event::Request(request) => {
                self.used += request.params.as_bytes().len();
                self.begin(request, origin);
            }
            Event::Stdin { key, data } => {
                self.used += data.len();
                self.with_inlet(key, |inlet| inlet.push_stdin(data, origin));
            }
            Event::StdinEnd { key, end } => self.with_inlet(key, |inlet| inlet.end_stdin(end)),
            Event::Data { key, data } => {
                self.used += data.len();
                self.with_inlet(key, |inlet| inlet.push_data(data, origin));
            }
            Event::DataEnd { key, end } => self.with_inlet(key, |inlet| inlet.end_data(end)),
            Event::Aborted { key } => self.abort(key),
            Event::Refused { id, refusal } => {
                self.tally.refuse();
                tracing::debug!(%id, ?refusal, "a request was refused");
            }
            Event::Surplus { .. } => tracing::debug!("discarding what follows the announced body"),
            _ => {}
        }
    }

    /// How many bytes of what was taken in were of use, since this was asked last.
    pub(super) fn take_used(&mut self) -> usize {
        std::mem::take(&mut self.used)
    }

    pub(super) fn begun(&self) -> u64 {
        self.begun
    }

    fn begin(&mut self, request: NewRequest, origin: Origin) {
        self.begun += 1;
        self.tally.begin();
        let index = request.key.index();
        while self.more.len() < index {
            self.more.push(Place::new(CallAlarm::other(&self.alarm)));
        }
        let (id, is_plain_cgi) = (self.id, self.is_plain_cgi);
        let place = self.place(request.key).expect("made for this request");
        let spare = place.spare.take();
        place.call = Some(Call::begin(spare, request, id, is_plain_cgi, origin));
        place.alarm.set();
    }

    fn place(&mut self, key: RequestKey) -> Option<&mut Place<S>> {
        place_at(&mut self.first, &mut self.more, key.index())
    }

    fn with_inlet(&mut self, key: RequestKey, f: impl FnOnce(&mut Inlet)) {
        if let Some(call) = self.place(key).and_then(|place| place.call.as_mut()) {
            f(call.as_mut().inlet());
        }
    }

    fn abort(&mut self, key: RequestKey) {
        if let Some(place) = self.place(key) {
            if let Some(call) = &mut place.call {
                tracing::debug!("a request was aborted");
                call.as_mut().abort();
                place.clear();
                self.tally.end(Outcome::Aborted);
            }
        }
    }

    /// Has `waker` woken by calls that can go on.
    pub(super) fn register(&self, waker: &Waker) {
        self.alarm.register(waker);
    }

    /// Goes on with the calls that were woken, and those that wait for room in their turn. Ready when one is over.
    pub(super) fn poll(&mut self, connection: &mut Connection) -> Poll<()> {
        let mut progress = Poll::Pending;
        let mut turn = None;
        let places = 1 + self.more.len();
        for index in (self.turn..places).chain(0..self.turn.min(places)) {
            let Some(place) = place_at(&mut self.first, &mut self.more, index) else {
                continue;
            };
            let Some(call) = &mut place.call else {
                continue;
            };
            let is_woken = place.alarm.take();
            if !is_woken && !call.can_go_on(connection) {
                continue;
            }
            let mut cx = Context::from_waker(&place.waker);
            let alarm = &self.alarm;
            let polled = call
                .as_mut()
                .poll(&mut cx, &mut self.service, alarm, connection);
            if let Poll::Ready(outcome) = polled {
                self.tally.end(outcome);
                place.clear();
                progress = Poll::Ready(());
            } else if call.waits_for_room() {
                turn.get_or_insert(index + 1);
            }
        }
        self.turn = turn.unwrap_or(self.turn);
        progress
    }

    /// Says how much of request bodies waits to be read, and how much memory is kept: for all requests, and the buffer that
    /// is read into.
    pub(super) fn report(&self, connection: &mut Connection, current: Origin) {
        let mut has_current = false;
        let mut kept = 0;
        let mut add = |place: &Place<S>| {
            if let Some(call) = &place.call {
                let cost = call.cost(current);
                connection.set_held(call.key(), cost.held);
                has_current |= cost.has_current;
                kept += cost.kept;
            }
        };
        add(&self.first);
        self.more.iter().for_each(add);
        if !has_current {
            kept += usize::try_from(current.size).unwrap_or(usize::MAX);
        }
        connection.set_kept(kept);
    }

    /// Whether one of them goes on when there is room for more of its response.
    pub(super) fn have_more_to_send(&self) -> bool {
        self.calls().any(|call| call.waits_for_room())
    }

    /// Has the task woken when something of a request body is read.
    pub(super) fn wait_for_room(&self) {
        self.alarm.wait_for_room();
    }

    /// Gives back the memory that is kept for further requests.
    pub(super) fn release(&mut self) {
        if self.calls().next().is_none() {
            self.first.spare = None;
            self.more = Vec::new();
        }
    }

    fn calls(&self) -> impl Iterator<Item = &PinnedCall<S>> {
        let places = once(&self.first).chain(&self.more);
        places.filter_map(|place| place.call.as_ref())
    }
}

impl<S: ExchangeService> Drop for Calls<S> {
    fn drop(&mut self) {
        for place in once(&mut self.first).chain(&mut self.more) {
            if let Some(call) = &mut place.call {
                call.as_mut().abort();
            }
        }
    }
}

fn place_at<'a, S: ExchangeService>(
    first: &'a mut Place<S>,
    more: &'a mut [Place<S>],
    index: usize,
) -> Option<&'a mut Place<S>> {
    match index.checked_sub(1) {
        None => Some(first),
        Some(index) => more.get_mut(index),
    }
}

impl<S: ExchangeService> Place<S> {
    fn new(alarm: CallAlarm) -> Self {
        Self {
            call: None,
            spare: None,
            waker: alarm.waker(),
            alarm,
        }
    }

    fn clear(&mut self) {
        if let Some(mut call) = self.call.take() {
            call.as_mut().finish();
            self.spare = Some(call);
        }
    }
}
