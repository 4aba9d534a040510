//! The calls in progress on one connection, and the service that they go to.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use atomic_waker::AtomicWaker;
use proto::{Connection, Event, NewRequest, RequestKey};

use super::call::{Call, PinnedStage, Stage};
use crate::{
    exchange::{ExchangeService, Inlet},
    socket::Origin,
};

/// A place for each request that core knows, by its key.
pub(super) struct Calls<S: ExchangeService> {
    service: S,
    is_plain_cgi: bool,
    places: Vec<Place<S>>,
    /// How many requests were begun.
    begun: u64,
    /// The connection's task, for calls that are woken.
    task: Arc<AtomicWaker>,
    /// The same, when it waits for a part of a request body to be read.
    room: Arc<AtomicWaker>,
}

struct Place<S: ExchangeService> {
    call: Option<Call<S>>,
    /// The box of a call that is over, for the next one.
    spare: Option<PinnedStage<S>>,
    alarm: Arc<Alarm>,
    waker: Waker,
}

/// Wakes one call: of many on a connection, only those are polled that were woken.
struct Alarm {
    is_woken: AtomicBool,
    task: Arc<AtomicWaker>,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.is_woken.store(true, Ordering::Release);
        self.task.wake();
    }
}

impl<S: ExchangeService> Calls<S> {
    pub(super) fn new(service: S, is_plain_cgi: bool) -> Self {
        Self {
            service,
            is_plain_cgi,
            places: Vec::new(),
            begun: 0,
            task: Arc::default(),
            room: Arc::default(),
        }
    }

    /// Takes in what has arrived, in the buffer `origin`, or happened. Gives how many bytes were of use.
    pub(super) fn take(&mut self, event: Event, origin: Origin) -> usize {
        match event {
            Event::Request(request) => {
                let used = request.params.as_bytes().len();
                self.begin(request, origin);
                return used;
            }
            Event::Stdin { key, data } => {
                let used = data.len();
                self.with_inlet(key, |inlet| inlet.push_stdin(data, origin));
                return used;
            }
            Event::StdinEnd { key, end } => self.with_inlet(key, |inlet| inlet.end_stdin(end)),
            Event::Data { key, data } => {
                let used = data.len();
                self.with_inlet(key, |inlet| inlet.push_data(data, origin));
                return used;
            }
            Event::DataEnd { key, end } => self.with_inlet(key, |inlet| inlet.end_data(end)),
            Event::Aborted { key } => self.abort(key),
            Event::Refused { id, refusal } => {
                tracing::debug!(%id, ?refusal, "a request was refused");
            }
            Event::Surplus { .. } => tracing::debug!("discarding what follows the announced body"),
            _ => {}
        }
        0
    }

    pub(super) fn begun(&self) -> u64 {
        self.begun
    }

    fn begin(&mut self, request: NewRequest, origin: Origin) {
        self.begun += 1;
        let index = request.key.index();
        while self.places.len() <= index {
            self.places.push(Place::new(&self.task));
        }
        if let Some(place) = self.places.get_mut(index) {
            let stage = place.spare.take();
            let stage = stage.unwrap_or_else(|| Box::pin(Stage::Idle));
            place.call = Some(Call::new(request, self.is_plain_cgi, origin, stage));
            place.alarm.is_woken.store(true, Ordering::Relaxed);
        }
    }

    fn with_inlet(&mut self, key: RequestKey, f: impl FnOnce(&mut Inlet)) {
        let place = self.places.get_mut(key.index());
        if let Some(call) = place.and_then(|place| place.call.as_mut()) {
            f(call.inlet());
        }
    }

    fn abort(&mut self, key: RequestKey) {
        if let Some(place) = self.places.get_mut(key.index()) {
            if let Some(call) = &mut place.call {
                tracing::debug!("a request was aborted");
                call.abort();
            }
            place.clear();
        }
    }

    /// Goes on with the calls that were woken. Ready when one is over.
    pub(super) fn poll(&mut self, cx: &Context<'_>, connection: &mut Connection) -> Poll<()> {
        self.task.register(cx.waker());
        let mut progress = Poll::Pending;
        for place in &mut self.places {
            let Some(call) = &mut place.call else {
                continue;
            };
            let is_woken = place.alarm.is_woken.swap(false, Ordering::AcqRel);
            if !is_woken && !call.can_go_on(connection) {
                continue;
            }
            let mut cx = Context::from_waker(&place.waker);
            if call
                .poll(&mut cx, &mut self.service, &self.room, connection)
                .is_ready()
            {
                place.clear();
                progress = Poll::Ready(());
            }
        }
        progress
    }

    /// Says how much of request bodies waits to be read, and how much memory is kept: for all requests, and the buffer that
    /// is read into.
    pub(super) fn report(&self, connection: &mut Connection, current: Origin) {
        let mut has_current = false;
        let mut kept = 0;
        for call in self.calls() {
            let cost = call.cost(current);
            connection.set_held(call.key(), cost.held);
            has_current |= cost.has_current;
            kept += cost.kept;
        }
        if !has_current {
            kept += usize::try_from(current.size).unwrap_or(usize::MAX);
        }
        connection.set_kept(kept);
    }

    /// Whether one of them goes on when there is room for more of its response.
    pub(super) fn wait_for_room(&self) -> bool {
        self.calls().any(Call::waits_for_room)
    }

    /// Has `waker` woken when something of a request body is read.
    pub(super) fn wake_on_room(&self, waker: &Waker) {
        self.room.register(waker);
    }

    /// Gives back the memory that is kept for further requests.
    pub(super) fn release(&mut self) {
        if self.calls().next().is_none() {
            self.places = Vec::new();
        }
    }

    fn calls(&self) -> impl Iterator<Item = &Call<S>> {
        self.places.iter().filter_map(|place| place.call.as_ref())
    }
}

impl<S: ExchangeService> Drop for Calls<S> {
    fn drop(&mut self) {
        for call in self
            .places
            .iter_mut()
            .filter_map(|place| place.call.as_mut())
        {
            call.abort();
        }
    }
}

impl<S: ExchangeService> Place<S> {
    fn new(task: &Arc<AtomicWaker>) -> Self {
        let alarm = Arc::new(Alarm {
            is_woken: AtomicBool::new(false),
            task: Arc::clone(task),
        });
        Self {
            call: None,
            spare: None,
            waker: Waker::from(Arc::clone(&alarm)),
            alarm,
        }
    }

    fn clear(&mut self) {
        if let Some(call) = self.call.take() {
            self.spare = Some(call.into_stage());
        }
    }
}
