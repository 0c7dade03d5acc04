//! What an origin does for which path and at which request.

use std::collections::BTreeMap;

use super::behaviour::{Answer, Behaviour};
use super::content::Content;
use super::request::Request;

/// Which of a path's requests a behaviour acts on. Requests are counted per path, from 1, in the
/// order in which they arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// All of them.
    Always,
    /// The first so many.
    First(u32),
    /// Those after the first so many.
    After(u32),
    /// This one only.
    Only(u32),
    /// Those with method HEAD.
    Head,
    /// Those for a range.
    Ranged,
    /// Those for a range that does not begin at byte 0.
    Resumed,
}

impl When {
    pub(super) fn matches(self, request: &Request, nth: u32) -> bool {
        match self {
            When::Always => true,
            When::First(count) => nth <= count,
            When::After(count) => nth > count,
            When::Only(one) => nth == one,
            When::Head => request.method == "HEAD",
            When::Ranged => request.field("range").is_some(),
            When::Resumed => {
                request.field("range").is_some_and(|range| !range.starts_with("bytes=0-"))
            }
        }
    }
}

/// One path of an origin: the file behind it, and what goes wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    pub(super) content: Content,
    pub(super) rules: Vec<(When, Behaviour)>,
}

impl Route {
    /// Serves `content` as the standards ask.
    pub fn honest(content: Content) -> Route {
        Route { content, rules: Vec::new() }
    }

    /// Also does `behaviour`, at every request.
    pub fn always(self, behaviour: impl Into<Behaviour>) -> Route {
        self.when(When::Always, behaviour)
    }

    /// Also does `behaviour`, at the requests that `when` names.
    pub fn when(mut self, when: When, behaviour: impl Into<Behaviour>) -> Route {
        self.rules.push((when, behaviour.into()));
        self
    }

    /// The file as it is while nothing has changed it.
    pub fn content(&self) -> Content {
        self.content
    }

    /// What acts on request number `nth` of the path.
    pub(super) fn behaviours(&self, request: &Request, nth: u32) -> Vec<Behaviour> {
        let matching = self.rules.iter().filter(|(when, _)| when.matches(request, nth));
        matching.map(|(_, behaviour)| behaviour.clone()).collect()
    }
}

/// All paths of an origin. A path that is not in it is answered with 404.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    pub(super) routes: BTreeMap<String, Route>,
}

impl Plan {
    /// An origin without a path.
    pub fn new() -> Plan {
        Plan::default()
    }

    /// Adds a path, with its leading slash and without a query: queries are recorded, not matched.
    pub fn route(mut self, path: &str, route: Route) -> Plan {
        self.routes.insert(path.to_owned(), route);
        self
    }

    /// Adds an honest file.
    pub fn file(self, path: &str, content: Content) -> Plan {
        self.route(path, Route::honest(content))
    }

    /// Adds a chain of `hops` redirects (302) that ends at `target`; it begins at `path`.
    ///
    /// The hops between are `path/1`, `path/2` and so on.
    pub fn chain(mut self, path: &str, hops: u32, target: &str) -> Plan {
        for hop in 0..hops {
            let here = if hop == 0 { path.to_owned() } else { format!("{path}/{hop}") };
            let next =
                if hop + 1 == hops { target.to_owned() } else { format!("{path}/{}", hop + 1) };
            let redirect = Answer::Redirect(302, vec![next]);
            self = self.route(&here, Route::honest(Content::new(0, 0)).always(redirect));
        }
        self
    }
}
