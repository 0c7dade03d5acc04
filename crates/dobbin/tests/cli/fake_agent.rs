//! An agent that has one job and knows no network: what the test says of it is so.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use dobbin_types::rest::{AgentMode, Event, EventKind, Failure, JobFailure, JobInfo};
use dobbin_types::{
    Completion, CostFlags, ErrorCode, ErrorContext, FileNumber, FileTime, JobProgress, JobState,
    JobTimes, JobType, NotifyFlags, Priority, Uid,
};
use serde_json::{Value, json};

/// The id of its job.
pub(crate) const JOB: &str = "0f0d3b2e-5a0e-4d9c-8f4b-1c2f3a4b5c6d";

/// What the agent does when its job is resumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plot {
    /// All bytes come at once.
    Transfers,
    /// All bytes were there before.
    IsHere,
    /// The origin answers with this status; so many bytes had come before.
    Fails(u16, u64),
    /// Nothing happens.
    Waits,
    /// All bytes come at once; the agent dies when it has completed the job, before it can say so.
    DiesCompleting,
}

/// The agent's mind.
struct Mind {
    plot: Plot,
    mode: AgentMode,
    job: Option<JobInfo>,
    files: Vec<Value>,
    asked: Vec<String>,
    /// Told to whoever subscribes, and what came since.
    events: VecDeque<Event>,
    /// Every connection, to be cut when the agent dies.
    streams: Vec<UnixStream>,
    dead: bool,
}

/// The agent. Its threads end with the test's process.
pub(crate) struct FakeAgent {
    mind: Arc<(Mutex<Mind>, Condvar)>,
}

impl FakeAgent {
    /// Listens at the usual place of the user's own agent. One that died there before is forgotten.
    pub(crate) fn start(run_folder: &Path, mode: AgentMode, plot: Plot) -> FakeAgent {
        let folder = run_folder.join("dobbin");
        std::fs::create_dir_all(&folder).unwrap();
        let _ = std::fs::remove_file(folder.join("api.sock"));
        let listener = UnixListener::bind(folder.join("api.sock")).unwrap();
        let mind = Mind {
            plot,
            mode,
            job: None,
            files: Vec::new(),
            asked: Vec::new(),
            events: VecDeque::new(),
            streams: Vec::new(),
            dead: false,
        };
        let mind = Arc::new((Mutex::new(mind), Condvar::new()));
        let shared = Arc::clone(&mind);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, mind) = (stream.unwrap(), Arc::clone(&shared));
                let mut locked = mind.0.lock().unwrap();
                if locked.dead {
                    return;
                }
                locked.streams.push(stream.try_clone().unwrap());
                drop(locked);
                std::thread::spawn(move || serve(stream, &mind));
            }
        });
        FakeAgent { mind }
    }

    fn lock(&self) -> MutexGuard<'_, Mind> {
        self.mind.0.lock().unwrap()
    }

    /// Every request so far, as `METHOD path`, without the looks at the job, whose number depends on
    /// the time that passes.
    pub(crate) fn asked(&self) -> Vec<String> {
        let looks = format!("GET /v1/jobs/{JOB}");
        self.lock().asked.iter().filter(|asked| **asked != looks).cloned().collect()
    }

    /// Waits until this was asked so many times.
    pub(crate) fn wait_for(&self, request: &str, times: usize) {
        let mut mind = self.lock();
        while mind.asked.iter().filter(|asked| *asked == request).count() < times {
            mind = self.mind.1.wait(mind).unwrap();
        }
    }

    /// Has the job of another agent, as one that starts on the same store.
    pub(crate) fn with_job_of(self, other: &FakeAgent) -> FakeAgent {
        let (job, files) = (other.job(), other.files());
        let mut mind = self.lock();
        (mind.job, mind.files) = (Some(job), files);
        drop(mind);
        self
    }

    /// Dies as a killed process does: all connections end.
    pub(crate) fn die(&self) {
        self.lock().die();
    }

    /// The job as it is now.
    pub(crate) fn job(&self) -> JobInfo {
        self.lock().job.clone().unwrap()
    }

    /// The job's files as they were asked for.
    pub(crate) fn files(&self) -> Vec<Value> {
        self.lock().files.clone()
    }
}

fn serve(stream: UnixStream, mind: &(Mutex<Mind>, Condvar)) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    while let Some((request, body)) = read_request(&mut reader) {
        let mut locked = mind.0.lock().unwrap();
        locked.asked.push(request.clone());
        if request.starts_with("GET /v1/events") {
            drop(locked);
            mind.1.notify_all();
            tell_events(&mut writer, mind);
            return;
        }
        let answer = locked.answer(&request, &body);
        if locked.plot == Plot::DiesCompleting && request.ends_with("/complete") {
            locked.die();
        }
        drop(locked);
        mind.1.notify_all();
        let (status, body) = answer.map_or_else(
            |code| ("409 Conflict", serde_json::to_string(&Failure::of(code)).unwrap()),
            |body| ("200 OK", body.to_string()),
        );
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n");
        if writer.write_all((head + &body).as_bytes()).is_err() {
            return;
        }
    }
}

fn read_request(reader: &mut BufReader<UnixStream>) -> Option<(String, Value)> {
    let mut first = String::new();
    reader.read_line(&mut first).ok().filter(|count| *count > 0)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if let Some(text) = line.to_lowercase().strip_prefix("content-length:") {
            length = text.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let (request, _) = first.rsplit_once(' ').unwrap();
    Some((request.to_owned(), serde_json::from_slice(&body).unwrap_or(Value::Null)))
}

fn tell_events(writer: &mut UnixStream, mind: &(Mutex<Mind>, Condvar)) {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
    if writer.write_all(head.as_bytes()).is_err() {
        return;
    }
    let mut locked = mind.0.lock().unwrap();
    let current = locked.job.clone().map(|job| Event { kind: EventKind::Current, job });
    let mut next = current;
    loop {
        while let Some(event) = next.take().or_else(|| locked.events.pop_front()) {
            let data = serde_json::to_string(&event).unwrap();
            let text = format!("event: {}\ndata: {data}\n\n", event.kind.word());
            if writer.write_all(text.as_bytes()).is_err() {
                return;
            }
        }
        locked = mind.1.wait(locked).unwrap();
    }
}

impl Mind {
    fn die(&mut self) {
        self.dead = true;
        for stream in &self.streams {
            // The other end may have hung up first.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    fn answer(&mut self, request: &str, body: &Value) -> Result<Value, ErrorCode> {
        let path = request.replace(JOB, "JOB");
        match path.split('?').next().unwrap() {
            "GET /v1/agent" => Ok(json!({
                "version": "0.0.0", "mode": self.mode, "pid": 1, "uid": 1, "store": "/"
            })),
            "GET /v1/jobs" => Ok(json!({ "jobs": self.job.iter().collect::<Vec<_>>() })),
            "POST /v1/jobs" => {
                self.create(body);
                Ok(json!({ "id": JOB }))
            }
            "GET /v1/jobs/JOB" => Ok(json!(self.known()?)),
            "GET /v1/jobs/JOB/files" => Ok(json!({ "files": self.files })),
            "POST /v1/jobs/JOB/resume" => {
                self.resume();
                let mut outcome = self.outcome()?;
                if self.plot != Plot::IsHere {
                    // What the agent answers before anything can have happened.
                    outcome["state"] = json!(JobState::Queued);
                }
                Ok(outcome)
            }
            "POST /v1/jobs/JOB/suspend" => self.become_state(JobState::Suspended),
            "POST /v1/jobs/JOB/complete" => {
                for file in &self.files {
                    std::fs::write(file["local_name"].as_str().unwrap(), "content").unwrap();
                }
                self.become_state(JobState::Acknowledged)
            }
            "POST /v1/jobs/JOB/cancel" => self.become_state(JobState::Cancelled),
            "PUT /v1/jobs/JOB/priority" => {
                self.known()?.priority = serde_json::from_value(body["priority"].clone()).unwrap();
                self.outcome()
            }
            "PUT /v1/jobs/JOB/no-progress-timeout" => {
                let seconds = body["seconds"].as_u64().unwrap();
                self.known()?.no_progress_timeout_seconds = u32::try_from(seconds).unwrap();
                self.outcome()
            }
            "PUT /v1/jobs/JOB/rate-limit" => {
                self.known()?.bytes_per_second_max = body["bytes_per_second_max"].as_u64();
                self.outcome()
            }
            "PUT /v1/jobs/JOB/notify-flags" => {
                self.known()?.notify_flags = serde_json::from_value(body["flags"].clone()).unwrap();
                self.outcome()
            }
            other => self.answer_of_properties(other, body),
        }
    }

    fn answer_of_properties(&mut self, request: &str, body: &Value) -> Result<Value, ErrorCode> {
        match request {
            "PUT /v1/jobs/JOB/properties/cost_flags" => {
                self.known()?.cost_flags = serde_json::from_value(body["value"].clone()).unwrap();
                self.outcome()
            }
            "PUT /v1/jobs/JOB/properties/notification_clsid" => self.outcome(),
            "PUT /v1/jobs/JOB/files/0/properties/download_sink_file_path" => {
                self.files[0]["local_name"] = body["value"].clone();
                self.outcome()
            }
            "PUT /v1/jobs/JOB/files/0/properties/total_size_bytes" => self.outcome(),
            "PUT /v1/jobs/JOB/files/0/remote-name" => {
                self.files[0]["remote_name"] = body["remote_name"].clone();
                self.outcome()
            }
            "GET /v1/jobs/JOB/files/0/properties/http_response_headers" => {
                Ok(json!({ "value": "HTTP/1.1 200 OK\r\nserver: a\u{1b}b\r\n" }))
            }
            "GET /v1/jobs/JOB/files/1/properties/http_response_headers" => {
                Err(ErrorCode::E_NOT_SET)
            }
            "GET /v1/jobs/JOB/error" => {
                let error = self.known()?.error.clone();
                error.map(|e| json!(e)).ok_or(ErrorCode::DO_E_ERROR_INFORMATION_UNAVAILABLE)
            }
            "GET /v1/jobs/JOB/stats" => Ok(json!({ "files": [] })),
            _ => Err(ErrorCode::DO_E_JOB_NOT_FOUND),
        }
    }

    fn known(&mut self) -> Result<&mut JobInfo, ErrorCode> {
        self.job.as_mut().ok_or(ErrorCode::DO_E_JOB_NOT_FOUND)
    }

    fn create(&mut self, body: &Value) {
        let files = body["files"].as_array().cloned().unwrap_or_default();
        for (number, mut file) in files.into_iter().enumerate() {
            file["number"] = json!(number);
            file["file_id"] = json!(number.to_string());
            file["progress"] =
                json!({ "bytes_total": null, "bytes_transferred": 0, "completed": false });
            file["transferred"] = json!(false);
            self.files.push(file);
        }
        let time = FileTime::from_unix_millis(1_000_000);
        let read = |name: &str| serde_json::from_value(body[name].clone()).ok();
        self.job = Some(JobInfo {
            id: JOB.parse().unwrap(),
            display_name: body["display_name"].as_str().unwrap().to_owned(),
            job_type: JobType::Download,
            owner: Uid(rustix::process::geteuid().as_raw()),
            state: JobState::Suspended,
            priority: read_or(body, "priority", Priority::Normal),
            progress: JobProgress {
                bytes_total: Some(7),
                files_total: u32::try_from(self.files.len()).unwrap(),
                ..JobProgress::default()
            },
            times: JobTimes { creation: time, modification: time, transfer_completion: None },
            no_progress_timeout_seconds: 3600,
            notify_flags: NotifyFlags::default(),
            cost_flags: CostFlags::STANDARD,
            completion: read_or(body, "completion", Completion::Caller),
            bytes_per_second_max: read("bytes_per_second_max").flatten(),
            bytes_per_second: 0,
            failures_count: 0,
            error: None,
            waiting: None,
            download: None,
        });
    }

    fn resume(&mut self) {
        let plot = self.plot;
        let Some(job) = self.job.as_mut() else { return };
        job.state = JobState::Queued;
        let kind = match plot {
            Plot::Waits => return,
            Plot::Transfers | Plot::IsHere | Plot::DiesCompleting => {
                job.state = JobState::Transferred;
                job.progress.bytes_transferred = 7;
                job.progress.files_transferred = job.progress.files_total;
                EventKind::Transferred
            }
            Plot::Fails(status, bytes) => {
                let code = ErrorCode::from_http_status(status);
                job.state = JobState::Error;
                job.progress.bytes_transferred = bytes;
                job.error = Some(JobFailure {
                    code,
                    symbol: String::new(),
                    text: code.text().into_owned(),
                    context: ErrorContext::None,
                    message: format!("h answered {status}"),
                    extended: None,
                    http_status: Some(status),
                    file: Some(FileNumber(0)),
                });
                EventKind::Error
            }
        };
        let job = job.clone();
        if plot != Plot::IsHere {
            self.events.push_back(Event { kind, job });
        }
    }

    fn become_state(&mut self, state: JobState) -> Result<Value, ErrorCode> {
        self.known()?.state = state;
        self.outcome()
    }

    fn outcome(&mut self) -> Result<Value, ErrorCode> {
        let state = self.known()?.state;
        Ok(json!({ "code": "0x00000000", "symbol": "S_OK", "state": state }))
    }
}

fn read_or<T: serde::de::DeserializeOwned>(body: &Value, name: &str, default: T) -> T {
    serde_json::from_value(body[name].clone()).unwrap_or(default)
}
