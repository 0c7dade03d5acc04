//! Being called back about jobs (`IBackgroundCopyCallback`).

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dobbin_types::rest::{
    AnswerCall, CallNumber, CallbackEvent, CallbackInfo, JobFailure, ListenerId, Outcome, Released,
    SetCallback, route,
};
use dobbin_types::{ErrorCode, JobId};
use http::Method;

use crate::error::Error;
use crate::event::{Stream, Told};
use crate::job::Job;
use crate::manager::Manager;

/// The first pause before a lost agent is looked for again; it doubles up to [`RETURN_PAUSE_CAP`].
const RETURN_PAUSE: Duration = Duration::from_millis(100);
const RETURN_PAUSE_CAP: Duration = Duration::from_secs(5);

/// Calls that were taken and are remembered, in case one is made again before the agent has heard.
const TAKEN_MAX: usize = 64;

/// What a program does when it is called (`IBackgroundCopyCallback`).
///
/// A call that returns an error is made again later: after 5 s, then after twice as long up to
/// 5 min, ten times in all. So is one that could not be answered: a program may hear the same twice.
/// Which calls are made is up to the job's flags ([`Job::set_notify_flags`]).
pub trait Callback {
    /// Every file has been transferred; usually it is time for [`Job::complete`]
    /// (`JobTransferred`).
    fn job_transferred(&self, job: &Job) -> impl Future<Output = Result<(), ErrorCode>> + Send;

    /// A fatal error stopped the job (`JobError`). Never called for errors that may pass.
    fn job_error(
        &self,
        job: &Job,
        error: &JobFailure,
    ) -> impl Future<Output = Result<(), ErrorCode>> + Send;

    /// Something about the job changed (`JobModification`): bytes, files, properties or its state.
    /// At most once a second, and not when it becomes transferred or fails. Not made again, whatever
    /// it returns.
    fn job_modification(&self, job: &Job) -> impl Future<Output = Result<(), ErrorCode>> + Send {
        let _ = job;
        std::future::ready(Ok(()))
    }
}

/// A connection on which the agent calls this program. Dropping it hangs up, and with it go all
/// registrations; what was owed is kept for whoever registers next.
///
/// ```no_run
/// use dobbin_sdk::types::ErrorCode;
/// use dobbin_sdk::types::rest::JobFailure;
/// use dobbin_sdk::{Callback, Job, Manager};
///
/// struct Finish;
///
/// impl Callback for Finish {
///     async fn job_transferred(&self, job: &Job) -> Result<(), ErrorCode> {
///         job.complete().await.map(drop).map_err(|error| error.code())
///     }
///
///     async fn job_error(&self, job: &Job, error: &JobFailure) -> Result<(), ErrorCode> {
///         eprintln!("{} stopped: {}", job.id(), error.message);
///         Ok(())
///     }
/// }
///
/// # async fn example(manager: Manager, job: Job) -> Result<(), dobbin_sdk::Error> {
/// let mut listener = manager.listen().await?;
/// job.set_notify_interface(Some(&listener.interface())).await?;
/// job.resume().await?;
/// // For as long as the program lives, also when the agent is restarted meanwhile.
/// Err(listener.serve_always(&Finish).await)
/// # }
/// ```
#[derive(Debug)]
pub struct Listener {
    manager: Manager,
    stream: Stream<CallbackEvent>,
    interface: NotifyInterface,
    /// The latest calls that were taken, oldest first.
    taken: VecDeque<CallNumber>,
}

/// What jobs are registered with: names a [`Listener`]. Cheap to clone, and may be used by other
/// tasks while the listener serves.
#[derive(Debug, Clone)]
pub struct NotifyInterface(Arc<Mutex<Registered>>);

/// Held only to read or change it, never while anything is asked.
#[derive(Debug)]
struct Registered {
    listener: ListenerId,
    jobs: BTreeSet<JobId>,
}

/// One call that wants an answer.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) job: Job,
    pub(crate) saying: Saying,
}

/// What a call says.
#[derive(Debug)]
pub(crate) enum Saying {
    Transferred(CallNumber),
    Error(CallNumber, JobFailure),
    Modification,
}

impl Listener {
    pub(crate) async fn open(manager: Manager) -> Result<Listener, Error> {
        let (stream, listener) = begin(&manager).await?;
        let interface = Registered { listener, jobs: BTreeSet::new() };
        let interface = NotifyInterface(Arc::new(Mutex::new(interface)));
        Ok(Listener { manager, stream, interface, taken: VecDeque::new() })
    }

    /// What jobs are registered with ([`Job::set_notify_interface`]).
    pub fn interface(&self) -> NotifyInterface {
        self.interface.clone()
    }

    /// Answers calls, one after the other, until the connection ends. Returns why it did.
    ///
    /// May be dropped at any time: a call whose answer was not sent is made again.
    pub async fn serve(&mut self, callback: &impl Callback) -> Error {
        loop {
            if let Err(error) = self.serve_one(callback).await {
                return error;
            }
        }
    }

    /// The same, but when the agent is gone waits for it to come back, registers all jobs again and
    /// goes on. Returns only when the agent refuses to be listened to.
    pub async fn serve_always(&mut self, callback: &impl Callback) -> Error {
        loop {
            let error = self.serve(callback).await;
            if !error.is_disconnected() {
                return error;
            }
            if let Err(error) = self.come_back().await {
                return error;
            }
        }
    }

    /// Connects anew after the connection was lost, and registers the jobs that were registered;
    /// those that are over meanwhile are left out.
    ///
    /// # Errors
    ///
    /// [`Error::NoService`] as long as the agent is gone; then this can be repeated.
    pub async fn reopen(&mut self) -> Result<(), Error> {
        let (stream, listener) = begin(&self.manager).await?;
        self.stream = stream;
        let jobs = {
            let mut registered = self.interface.lock();
            registered.listener = listener;
            registered.jobs.clone()
        };
        for id in jobs {
            match self.manager.handle(id).set_notify_interface(Some(&self.interface)).await {
                Ok(_) => {}
                Err(Error::Refused(_)) => drop(self.interface.lock().jobs.remove(&id)),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    pub(crate) async fn come_back(&mut self) -> Result<(), Error> {
        let mut pause = RETURN_PAUSE;
        loop {
            tokio::time::sleep(pause).await;
            match self.reopen().await {
                Err(error) if error.is_disconnected() => {}
                outcome => return outcome,
            }
            pause = (pause * 2).min(RETURN_PAUSE_CAP);
        }
    }

    async fn serve_one(&mut self, callback: &impl Callback) -> Result<(), Error> {
        let call = self.next().await?;
        let result = match &call.saying {
            Saying::Transferred(_) => callback.job_transferred(&call.job).await,
            Saying::Error(_, error) => callback.job_error(&call.job, error).await,
            Saying::Modification => callback.job_modification(&call.job).await,
        };
        self.answer(&call, result).await
    }

    /// The next call that this program has not taken yet.
    pub(crate) async fn next(&mut self) -> Result<Call, Error> {
        loop {
            let call = match self.stream.next().await? {
                CallbackEvent::JobTransferred { number, job } => {
                    self.call(job.id, Saying::Transferred(number))
                }
                CallbackEvent::JobError { number, job, error } => {
                    self.call(job.id, Saying::Error(number, error))
                }
                CallbackEvent::JobModification { job } => self.call(job.id, Saying::Modification),
                CallbackEvent::Released { job, why } => {
                    self.released(job, why).await?;
                    continue;
                }
                CallbackEvent::Listening { .. } => continue,
            };
            match call.saying.number() {
                // Its answer was on the way when it was made again.
                Some(number) if self.taken.contains(&number) => {}
                Some(_) | None => return Ok(call),
            }
        }
    }

    fn call(&self, job: JobId, saying: Saying) -> Call {
        Call { job: self.manager.handle(job), saying }
    }

    /// Sends the answer to a call.
    pub(crate) async fn answer(
        &mut self,
        call: &Call,
        result: Result<(), ErrorCode>,
    ) -> Result<(), Error> {
        let Some(number) = call.saying.number() else {
            return Ok(());
        };
        let body = AnswerCall { result: result.err().unwrap_or(ErrorCode::S_OK) };
        let path = route::of_call(call.job.id(), number);
        let sent = self.manager.send("answering a call", Method::POST, path, &body).await;
        match sent.map(|_: Outcome| ()) {
            Ok(()) if result.is_ok() => {
                if self.taken.len() == TAKEN_MAX {
                    self.taken.pop_front();
                }
                self.taken.push_back(number);
                Ok(())
            }
            // The job may be gone: then nobody waits for the answer.
            Ok(()) | Err(Error::Refused(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// A job is not registered here any more, unless it was registered once more meanwhile.
    async fn released(&mut self, job: JobId, why: Released) -> Result<(), Error> {
        let is_back = match why {
            Released::Ended => false,
            Released::Replaced | Released::Cleared => {
                let now = self.manager.handle(job).notify_interface().await;
                match now {
                    Ok(listener) => listener == Some(self.interface.listener()),
                    Err(Error::Refused(_)) => false,
                    Err(error) => return Err(error),
                }
            }
        };
        if !is_back {
            self.interface.lock().jobs.remove(&job);
        }
        Ok(())
    }
}

impl NotifyInterface {
    /// The agent's number for the connection of now; another one after the agent came back.
    pub fn listener(&self) -> ListenerId {
        self.lock().listener
    }

    fn lock(&self) -> MutexGuard<'_, Registered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Saying {
    fn number(&self) -> Option<CallNumber> {
        match self {
            Saying::Transferred(number) | Saying::Error(number, _) => Some(*number),
            Saying::Modification => None,
        }
    }
}

impl Job {
    /// Has the listener, and nobody else, called about the job from now on; `None` has nobody called
    /// (`SetNotifyInterface`). What the job owes already is said at once.
    pub async fn set_notify_interface(
        &self,
        interface: Option<&NotifyInterface>,
    ) -> Result<Outcome, Error> {
        let doing = "setting who is called about the job";
        let path = route::of_job(route::CALLBACK, self.id());
        let Some(interface) = interface else {
            return self.manager().delete(doing, path).await;
        };
        let body = SetCallback { listener: interface.listener() };
        let outcome = self.manager().send(doing, Method::PUT, path, &body).await?;
        interface.lock().jobs.insert(self.id());
        Ok(outcome)
    }

    /// Who is called about the job (`GetNotifyInterface`); to be compared with
    /// [`NotifyInterface::listener`].
    pub async fn notify_interface(&self) -> Result<Option<ListenerId>, Error> {
        let path = route::of_job(route::CALLBACK, self.id());
        let info: CallbackInfo =
            self.manager().get("asking who is called about the job", path).await?;
        Ok(info.listener)
    }
}

impl Told for CallbackEvent {
    const WORDS: &'static [&'static str] =
        &["listening", "job_transferred", "job_error", "job_modification", "released"];
}

/// Opens the connection and learns its number.
async fn begin(manager: &Manager) -> Result<(Stream<CallbackEvent>, ListenerId), Error> {
    let mut stream = manager.stream("listening for calls", Method::POST, route::CALLBACKS).await?;
    match stream.next().await? {
        CallbackEvent::Listening { listener } => Ok((stream, listener)),
        other => Err(Error::Protocol {
            doing: "listening for calls",
            why: format!("it began with `{}`", other.word()),
        }),
    }
}
