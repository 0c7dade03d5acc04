//! Downloads for the tests, led into their states.

use core::time::Duration;

use dobbin_core::download::{Download, Fault, Operation, Syntax, View};
use dobbin_core::job::{Effect, Facts, File, Job, JobEvent, NewJob, Now, Trouble, Wish, step};
use dobbin_core::time::Tick;
use dobbin_types::{
    ByteRange, DownloadProperty, DownloadState, ErrorCode, FileNumber, FileTime, JobId,
    PropertyValue, Uid,
};

/// The columns of the state table, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Column {
    Created,
    Transferring,
    /// By the caller's own pause.
    PausedUser,
    /// By an error that may pass.
    PausedTransient,
    PausedFatal,
    Transferred,
    Finalized,
    Aborted,
}

pub(crate) const COLUMNS: [Column; 8] = [
    Column::Created,
    Column::Transferring,
    Column::PausedUser,
    Column::PausedTransient,
    Column::PausedFatal,
    Column::Transferred,
    Column::Finalized,
    Column::Aborted,
];

impl Column {
    pub(crate) fn state(self) -> DownloadState {
        match self {
            Column::Created => DownloadState::Created,
            Column::Transferring => DownloadState::Transferring,
            Column::PausedUser | Column::PausedTransient | Column::PausedFatal => {
                DownloadState::Paused
            }
            Column::Transferred => DownloadState::Transferred,
            Column::Finalized => DownloadState::Finalized,
            Column::Aborted => DownloadState::Aborted,
        }
    }
}

/// A download and nothing else.
#[derive(Debug, Clone)]
pub(crate) struct Life {
    pub(crate) job: Job,
}

/// The start of time.
pub(crate) fn now() -> Now {
    after(Duration::ZERO)
}

/// This long after it.
pub(crate) fn after(wait: Duration) -> Now {
    let wall = FileTime::from_unix_millis(1_700_000_000_000);
    Now { tick: Tick::ZERO.after(wait), slept: Duration::ZERO, wall }
}

impl Life {
    /// As `CreateDownload` makes it.
    pub(crate) fn new() -> Life {
        Life::of(Download::create(JobId::from_bytes([9; 16]), Uid(1_000)))
    }

    pub(crate) fn of((new, file): (NewJob, File)) -> Life {
        let mut job = Job::create(new, now().tick, now().wall);
        step(&mut job, JobEvent::Wish(Wish::AddFiles(vec![file])), now()).unwrap();
        Life { job }
    }

    /// With a URL and a path: it may be started.
    pub(crate) fn ready() -> Life {
        Life::new().made_ready()
    }

    pub(crate) fn made_ready(mut self) -> Life {
        let life = &mut self;
        life.set(DownloadProperty::Uri, "http://origin.example/a").unwrap();
        life.set(DownloadProperty::LocalPath, "/a").unwrap();
        self
    }

    /// In the state of a column; the file has 10 bytes, of which `ranges` are wanted.
    pub(crate) fn in_column(column: Column, ranges: &[ByteRange]) -> Life {
        let mut life = Life::ready();
        if column == Column::Created {
            return life;
        }
        life.run(Operation::Start(Some(ranges.to_vec()))).unwrap();
        life.event(JobEvent::SlotGiven);
        match column {
            Column::Created | Column::Transferring => {}
            Column::PausedUser => life.run(Operation::Pause).unwrap(),
            Column::PausedTransient => life.fail(busy()),
            Column::PausedFatal => life.fail(refused()),
            Column::Transferred => life.finish(),
            Column::Finalized => {
                life.finish();
                life.run(Operation::Finalize).unwrap();
                life.event(JobEvent::FilePublished(FileNumber(0)));
                life.event(JobEvent::PublishEnded(None));
            }
            Column::Aborted => life.run(Operation::Abort).unwrap(),
        }
        assert_eq!(life.view().state(), column.state());
        life
    }

    pub(crate) fn view(&self) -> View<'_> {
        View::of(&self.job).unwrap()
    }

    /// The operation, carried through.
    pub(crate) fn run(&mut self, operation: Operation) -> Result<(), ErrorCode> {
        match self.view().decide(&operation)? {
            Some(wish) => step(&mut self.job, JobEvent::Wish(wish), now()).map(drop),
            None => Ok(()),
        }
    }

    /// `SetProperty`, with what the engine asks first.
    pub(crate) fn set(
        &mut self,
        property: DownloadProperty,
        value: impl Into<PropertyValue>,
    ) -> Result<Vec<Effect>, ErrorCode> {
        self.view().may_set(property)?;
        let setting = self.view().setting(property, value.into(), &AnySyntax);
        let setting = setting.map_err(|(code, _why)| code)?;
        step(&mut self.job, JobEvent::Wish(Wish::SetProperty(setting)), now())
    }

    pub(crate) fn get(&self, property: DownloadProperty) -> Result<PropertyValue, ErrorCode> {
        self.view().get(property)
    }

    pub(crate) fn event(&mut self, event: JobEvent) {
        step(&mut self.job, event, now()).unwrap();
    }

    pub(crate) fn fail(&mut self, trouble: Trouble) {
        let attempt = self.job.attempt();
        self.event(JobEvent::AttemptFailed(attempt, Some(FileNumber(0)), trouble));
    }

    /// Every byte that was asked for is here.
    pub(crate) fn finish(&mut self) {
        let attempt = self.job.attempt();
        let facts = Facts {
            url: self.view().file().remote_name.clone(),
            remote_size: 10,
            validator: None,
            last_modified: None,
        };
        self.event(JobEvent::FileKnown(attempt, FileNumber(0), facts));
        self.event(JobEvent::FileFinished(attempt, FileNumber(0)));
    }
}

/// Trouble that no second try mends.
pub(crate) fn refused() -> Trouble {
    Trouble {
        code: ErrorCode::from_http_status(404),
        transient: false,
        extended: None,
        http_status: Some(404),
        message: "origin.example has no such file".into(),
        retry_after: None,
        spread_thousandths: 0,
    }
}

/// Trouble that may pass.
pub(crate) fn busy() -> Trouble {
    let code = ErrorCode::from_http_status(503);
    Trouble { code, transient: true, http_status: Some(503), ..refused() }
}

pub(crate) const fn range(offset: u64, length: u64) -> ByteRange {
    ByteRange { offset, length: Some(length) }
}

/// A reader of what core does not read: everything with `bad` in it is wrong.
pub(crate) struct AnySyntax;

fn judge(text: &str, code: ErrorCode) -> Result<(), Fault> {
    if text.contains("bad") { Err((code, "bad".into())) } else { Ok(()) }
}

impl Syntax for AnySyntax {
    fn url(&self, text: &str) -> Result<(), Fault> {
        judge(text, ErrorCode::E_INVALIDARG)
    }

    fn headers(&self, headers: &[(String, String)]) -> Result<(), Fault> {
        headers.iter().try_for_each(|(name, _)| judge(name, ErrorCode::E_INVALIDARG))
    }

    fn integrity_info(&self, text: &str) -> Result<(), Fault> {
        judge(text, ErrorCode::E_INVALIDARG)
    }

    fn certificate(&self, text: &str) -> Result<(), Fault> {
        judge(text, ErrorCode::CRYPT_E_FILE_ERROR)
    }
}
