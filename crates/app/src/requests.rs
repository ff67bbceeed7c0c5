//! How many requests each account has under way at the registry, so that one that asks for
//! everything at once leaves something for the others.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use oci::ErrorCode;

use crate::{App, registry::RegistryError};

#[derive(Debug, Default)]
pub(crate) struct Requests(Mutex<HashMap<String, usize>>);

/// A request under way; dropping it makes room for another.
#[derive(Debug)]
pub struct RequestSlot {
    requests: Arc<Requests>,
    holder: String,
}

impl App {
    /// Counts a request of `holder`: an account, or where nobody is signed in an address.
    ///
    /// # Errors
    /// Too many of the holder's are under way.
    pub fn begin_request(&self, holder: String) -> Result<RequestSlot, RegistryError> {
        let most = self.config.limits.requests_per_account;
        let mut requests = self
            .requests
            .0
            .lock()
            .expect("nobody panics while counting requests");
        let under_way = requests.entry(holder.clone()).or_default();
        if *under_way >= most {
            return Err(RegistryError::new(
                ErrorCode::TooManyRequests,
                format!("{most} of your requests are under way: wait for some to end"),
            ));
        }
        *under_way += 1;
        Ok(RequestSlot {
            requests: Arc::clone(&self.requests),
            holder,
        })
    }
}

impl Drop for RequestSlot {
    fn drop(&mut self) {
        let mut requests = self
            .requests
            .0
            .lock()
            .expect("nobody panics while counting requests");
        if let Some(under_way) = requests.get_mut(&self.holder) {
            *under_way -= 1;
            if *under_way == 0 {
                requests.remove(&self.holder);
            }
        }
    }
}
