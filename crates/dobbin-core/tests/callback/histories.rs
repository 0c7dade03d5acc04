//! Random histories: whatever programs and jobs do, these things hold.

use std::collections::{BTreeMap, BTreeSet};

use dobbin_core::callback::{
    ANSWER_PATIENCE, Answered, Call, CallNumber, Listener, MODIFICATION_PAUSE,
    OUTSTANDING_PER_USER_MAX, Owed, Saying, TRIES_MAX,
};
use dobbin_core::time::Tick;
use dobbin_types::{JobId, Uid};
use proptest::prelude::*;

use crate::world::{ALICE, BOB, World, job, number_of};

const JOBS: u16 = 12;

/// What may happen.
#[derive(Debug, Clone, Copy)]
enum Turn {
    Listen(bool),
    HangUp(usize),
    Register(u16, usize),
    Clear(u16),
    Owe(u16, Option<bool>),
    Modify(u16),
    Forget(u16),
    /// The oldest calls that are out, counted from the first.
    Answer(usize, bool),
    Wait(u64),
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let turn = prop_oneof![
        1 => any::<bool>().prop_map(Turn::Listen),
        1 => (0_usize..8).prop_map(Turn::HangUp),
        6 => (0..JOBS, 0_usize..8).prop_map(|(job, who)| Turn::Register(job, who)),
        1 => (0..JOBS).prop_map(Turn::Clear),
        8 => (0..JOBS, any::<Option<bool>>()).prop_map(|(job, owed)| Turn::Owe(job, owed)),
        6 => (0..JOBS).prop_map(Turn::Modify),
        1 => (0..JOBS).prop_map(Turn::Forget),
        6 => (0_usize..8, any::<bool>()).prop_map(|(call, taken)| Turn::Answer(call, taken)),
        6 => prop_oneof![0_u64..2_000, 0_u64..400_000].prop_map(Turn::Wait),
    ];
    proptest::collection::vec(turn, 1..120)
}

/// A call that was made and not taken yet.
struct Made {
    last: Tick,
    tries: u32,
    to: Listener,
    is_waited_for: bool,
}

/// What the machine must be like, kept the slow way.
#[derive(Default)]
struct Model {
    listeners: Vec<(Listener, Uid)>,
    registered: BTreeMap<JobId, Listener>,
    owed: BTreeMap<JobId, Owed>,
    /// Calls made to the programs of now.
    made: BTreeMap<(JobId, CallNumber), Made>,
    told: BTreeMap<JobId, Tick>,
    /// Jobs that changed since they were last told of, while somebody was registered.
    changed: BTreeSet<JobId>,
}

impl Model {
    /// Checks one call against everything that was said before.
    fn hear(&mut self, call: &Call, now: Tick) {
        assert_eq!(self.registered.get(&call.job), Some(&call.listener), "{call:?} to a stranger");
        match call.saying {
            Saying::Owed(owed, number) => {
                assert_eq!(self.owed.get(&call.job), Some(&owed), "{call:?} is not owed");
                let new = Made { last: now, tries: 0, to: call.listener, is_waited_for: true };
                let made = self.made.entry((call.job, number)).or_insert(new);
                assert_eq!(made.to, call.listener, "{call:?}: one number for two programs");
                let is_soon = made.tries > 0 && now.since(made.last) < ANSWER_PATIENCE;
                assert!(!is_soon, "{call:?} too soon");
                assert!(made.tries < TRIES_MAX, "{call:?} too often");
                *made = Made { last: now, tries: made.tries + 1, is_waited_for: true, ..*made };
            }
            Saying::Modification => {
                assert!(self.changed.remove(&call.job), "{call:?}: nothing changed");
                let last = self.told.insert(call.job, now);
                let pause = last.map(|last| now.since(last));
                assert!(pause.is_none_or(|pause| pause >= MODIFICATION_PAUSE), "{call:?}");
                let is_owed = self.owed.contains_key(&call.job);
                let is_told = self.made.keys().any(|(job, _)| *job == call.job);
                assert!(!is_owed || is_told, "{call:?} overtook what is owed");
            }
        }
    }

    /// Calls that take up a place: made less than [`ANSWER_PATIENCE`] ago, and no answer yet.
    fn out_count(&self, user: Uid, now: Tick) -> usize {
        let is_out = |made: &&Made| {
            made.is_waited_for
                && now.since(made.last) < ANSWER_PATIENCE
                && self.listeners.contains(&(made.to, user))
        };
        self.made.values().filter(is_out).count()
    }

    /// What was said of a job counts no more.
    fn unmake(&mut self, id: JobId) {
        self.made.retain(|(job, _), _| *job != id);
    }

    fn register(&mut self, id: JobId, listener: Listener) {
        self.unregister(id);
        self.unmake(id);
        self.registered.insert(id, listener);
    }

    fn owe(&mut self, id: JobId, owed: Option<Owed>) {
        if self.owed.get(&id).copied() == owed {
            return;
        }
        self.unmake(id);
        self.owed.remove(&id);
        if let Some(owed) = owed {
            self.owed.insert(id, owed);
        }
    }

    fn unregister(&mut self, id: JobId) {
        self.registered.remove(&id);
        self.told.remove(&id);
        self.changed.remove(&id);
        // They may still be answered, but nobody waits for that any more.
        for ((job, _), made) in &mut self.made {
            made.is_waited_for &= *job != id;
        }
    }
}

fn turn(world: &mut World, model: &mut Model, out: &mut Vec<Call>, turn: Turn) {
    match turn {
        Turn::Listen(is_alice) => {
            let user = if is_alice { ALICE } else { BOB };
            model.listeners.push((world.callbacks.listen(user), user));
        }
        Turn::HangUp(who) if who < model.listeners.len() => hang_up(world, model, who),
        Turn::Register(number, who) if who < model.listeners.len() => {
            let (listener, _) = model.listeners[who];
            let before = model.registered.get(&job(number)).copied();
            let replaced = world.callbacks.register(job(number), listener);
            assert_eq!(replaced, before.filter(|before| *before != listener));
            model.register(job(number), listener);
        }
        Turn::Clear(number) => {
            let before = model.registered.get(&job(number)).copied();
            assert_eq!(world.callbacks.clear(job(number)), before);
            model.unregister(job(number));
        }
        Turn::Owe(number, owed) => {
            let owed = owed.map(|error| if error { Owed::Error } else { Owed::Transferred });
            if owed.is_some() {
                world.callbacks.entered_rest(job(number));
                model.changed.remove(&job(number));
            }
            world.callbacks.owe(job(number), owed, world.now);
            model.owe(job(number), owed);
        }
        Turn::Modify(number) => {
            world.modify(number);
            if model.registered.contains_key(&job(number)) {
                model.changed.insert(job(number));
            }
        }
        Turn::Forget(number) => {
            world.callbacks.forget(job(number), world.now);
            model.owe(job(number), None);
            model.unregister(job(number));
        }
        Turn::Answer(index, is_taken) if index < out.len() => {
            answer(world, model, &out.remove(index), is_taken);
        }
        Turn::HangUp(_) | Turn::Register(..) | Turn::Answer(..) => {}
        Turn::Wait(millis) => {
            let end = Tick(world.now.0 + millis);
            while let Some(wake) = world.callbacks.next_wake().filter(|wake| *wake <= end) {
                world.now = wake;
                hear(world, model, out);
            }
            world.now = end;
        }
    }
    hear(world, model, out);
}

fn hang_up(world: &mut World, model: &mut Model, who: usize) {
    let (listener, _) = model.listeners.remove(who);
    world.callbacks.hung_up(listener);
    let jobs = model.registered.iter().filter(|(_, to)| **to == listener);
    for id in jobs.map(|(id, _)| *id).collect::<Vec<_>>() {
        model.unregister(id);
    }
}

fn answer(world: &mut World, model: &mut Model, call: &Call, is_taken: bool) {
    let made = model.made.get_mut(&(call.job, number_of(call)));
    let expect = match (&made, is_taken) {
        (None, _) => Answered::Late,
        (Some(_), true) => Answered::Taken,
        (Some(_), false) => Answered::Refused,
    };
    if let Some(made) = made {
        made.is_waited_for = false;
    }
    assert_eq!(world.answer(call, is_taken), expect, "{call:?}");
    if expect == Answered::Taken {
        model.owe(call.job, None);
    }
}

fn hear(world: &mut World, model: &mut Model, out: &mut Vec<Call>) {
    for call in world.due() {
        model.hear(&call, world.now);
        if matches!(call.saying, Saying::Owed(..)) {
            out.push(call);
        }
    }
    for user in [ALICE, BOB] {
        assert!(model.out_count(user, world.now) <= OUTSTANDING_PER_USER_MAX);
    }
}

proptest! {
    #[test]
    fn whatever_happens_these_things_hold(turns in turns()) {
        let (mut world, mut model, mut out) = (World::new(), Model::default(), Vec::new());
        for one in turns {
            turn(&mut world, &mut model, &mut out, one);
        }
        // Nothing is lost: a program that takes every call hears everything that is still owed.
        let (listener, user) = (world.callbacks.listen(ALICE), ALICE);
        model.listeners.push((listener, user));
        for id in (0..JOBS).map(job) {
            world.callbacks.register(id, listener);
            model.register(id, listener);
        }
        let mut heard = BTreeMap::new();
        loop {
            let calls = world.due();
            if calls.is_empty() {
                break;
            }
            for call in calls {
                let Saying::Owed(owed, _) = call.saying else { continue };
                prop_assert_eq!(heard.insert(call.job, owed), None);
                prop_assert_eq!(world.answer(&call, true), Answered::Taken);
            }
        }
        prop_assert_eq!(heard, model.owed);
    }
}
