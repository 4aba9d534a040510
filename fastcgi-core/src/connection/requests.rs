//! The requests in progress on a connection. This is the one table of them: owners keep what is theirs by the key.

use std::fmt;

use super::request::{Request, RequestKey};
use crate::record::RequestId;

/// Requests by their keys, which are places that are used again.
#[derive(Default)]
pub(super) struct Requests {
    places: Vec<Option<Request>>,
    count: usize,
}

impl Requests {
    pub(super) fn insert(&mut self, request: Request) -> RequestKey {
        self.count += 1;
        let free = self.places.iter().position(Option::is_none);
        match free.and_then(|index| Some((index, self.places.get_mut(index)?))) {
            Some((index, place)) => {
                *place = Some(request);
                RequestKey::new(index)
            }
            None => {
                if self.places.is_empty() {
                    // Most connections never have two requests at a time.
                    self.places.reserve_exact(1);
                }
                self.places.push(Some(request));
                RequestKey::new(self.places.len() - 1)
            }
        }
    }

    pub(super) fn remove(&mut self, key: RequestKey) {
        if let Some(place @ Some(_)) = self.places.get_mut(key.index()) {
            *place = None;
            self.count -= 1;
        }
    }

    pub(super) fn get(&self, key: RequestKey) -> Option<&Request> {
        self.places.get(key.index())?.as_ref()
    }

    pub(super) fn get_mut(&mut self, key: RequestKey) -> Option<&mut Request> {
        self.places.get_mut(key.index())?.as_mut()
    }

    pub(super) fn find(&self, id: RequestId) -> Option<RequestKey> {
        self.iter()
            .find(|(_, request)| request.id == id)
            .map(|(key, _)| key)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (RequestKey, &Request)> + Clone {
        let places = self.places.iter().enumerate();
        places.filter_map(|(index, place)| Some((RequestKey::new(index), place.as_ref()?)))
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (RequestKey, &mut Request)> {
        let places = self.places.iter_mut().enumerate();
        places.filter_map(|(index, place)| Some((RequestKey::new(index), place.as_mut()?)))
    }

    /// Removes all.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = (RequestKey, Request)> {
        self.count = 0;
        let places = self.places.drain(..).enumerate();
        places.filter_map(|(index, place)| Some((RequestKey::new(index), place?)))
    }

    /// Frees the memory of places, if no request is in progress.
    pub(super) fn release(&mut self) {
        if self.is_empty() {
            self.places = Vec::new();
        }
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl fmt::Debug for Requests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.iter().map(|(_, request)| request))
            .finish()
    }
}
