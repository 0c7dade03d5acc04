//! The cache hosts of the service, and the way over them that each file takes.
//!
//! Decides nothing: `dobbin_core::cache` does, told the time. Bans are shared by all files, so that a host
//! that is down costs one of them its patience.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dobbin_core::cache::{Bans, Course, Failure, Settings, Turn};
use dobbin_net::cache_host;
use dobbin_platform::Clock;
use url::Url;

/// The cache hosts, as they are set now. Cheap to clone; clones are the same.
#[derive(Clone)]
pub(crate) struct CacheDesk {
    clock: Clock,
    // Either is held for a moment and never across a wait.
    settings: Arc<Mutex<Settings>>,
    bans: Arc<Mutex<Bans>>,
}

impl CacheDesk {
    /// None of them is banned yet.
    pub(crate) fn new(clock: Clock, settings: Settings) -> CacheDesk {
        CacheDesk { clock, settings: Arc::new(Mutex::new(settings)), bans: Arc::default() }
    }

    /// What holds for whatever is begun, or resumed, from now on.
    pub(crate) fn set(&self, settings: Settings) {
        *self.settings.lock().unwrap_or_else(PoisonError::into_inner) = settings;
    }

    /// What holds now, for one job that is begun: each beginning has a copy of its own, by which its
    /// files' ways are known.
    pub(crate) fn settings(&self) -> Arc<Settings> {
        Arc::new(self.settings.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// The way of one file that is begun under these settings.
    pub(crate) fn way(&self, settings: &Arc<Settings>) -> SharedWay {
        let (desk, settings) = (self.clone(), Arc::clone(settings));
        Arc::new(Way { desk, settings, course: Mutex::default() })
    }

    fn bans(&self) -> MutexGuard<'_, Bans> {
        self.bans.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The way of one file, from its Start or Resume to the next: which of the cache hosts is asked for it, or
/// its origin. Outlasts the file's transfers, and changes between them and under them.
pub(crate) struct Way {
    desk: CacheDesk,
    settings: Arc<Settings>,
    // Held for a moment, and only ever locked after the bans.
    course: Mutex<Option<Course>>,
}

/// A way that its file's transfers share.
pub(crate) type SharedWay = Arc<Way>;

impl Way {
    /// Whether it belongs to the beginning whose settings these are.
    pub(crate) fn is_under(&self, settings: &Arc<Settings>) -> bool {
        Arc::ptr_eq(&self.settings, settings)
    }

    /// Where to ask for this URL in an attempt that begins now: at a cache host, or, with `None`, right
    /// there. Holds whatever secrets the URL holds.
    pub(crate) fn next(&self, url: &Url) -> Option<Url> {
        let (origin, now) = (url.host_str()?, self.desk.clock.now());
        let bans = self.desk.bans();
        let mut course = self.course();
        let course = course
            .get_or_insert_with(|| Course::begin(Arc::clone(&self.settings), origin, &bans, now));
        cache_host::via(url, course.next(origin, &bans, now)?)
    }

    /// Bytes came, from whoever was asked.
    pub(crate) fn served(&self) {
        self.on_course(Course::served);
    }

    /// The cache host that was asked for this URL failed.
    pub(crate) fn cache_failed(&self, url: &Url, failure: Failure) -> Turn {
        let now = self.desk.clock.now();
        let origin = url.host_str().unwrap_or_default();
        let mut bans = self.desk.bans();
        let turn = self.on_course(|course| course.cache_failed(failure, origin, &mut bans, now));
        turn.unwrap_or(Turn::Origin)
    }

    /// What came from a cache host is not the file.
    pub(crate) fn distrust(&self) -> Turn {
        self.on_course(Course::distrust).unwrap_or(Turn::Origin)
    }

    /// The origin of this URL failed.
    pub(crate) fn origin_failed(&self, url: &Url) {
        let now = self.desk.clock.now();
        let origin = url.host_str().unwrap_or_default();
        let bans = self.desk.bans();
        self.on_course(|course| course.origin_failed(origin, &bans, now));
    }

    fn on_course<T>(&self, act: impl FnOnce(&mut Course) -> T) -> Option<T> {
        self.course().as_mut().map(act)
    }

    fn course(&self) -> MutexGuard<'_, Option<Course>> {
        self.course.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
