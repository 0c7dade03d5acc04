//! The interface as an OpenAPI document, made from the bodies' own types and comments.
//!
//! What a route does stands here once more, in words; a test compares methods and paths with the
//! routing table, and the whole text with `docs/openapi.json`.

use dobbin_types::rest::{
    AddFiles, AddedFiles, AgentInfo, AnswerCall, CallNumber, CallbackEvent, CallbackInfo,
    CreateDownload, CreateJob, CreatedDownload, CreatedJob, DownloadInfo, DownloadList,
    DownloadOutcome, DownloadStatus, Event, Failure, FileInfo, FileList, FileStats, FileWhy,
    Handover, JobFailure, JobInfo, JobList, JobStats, JobWhy, Outcome, PropertyBody, SetCallback,
    SetNoProgressTimeout, SetNotifyFlags, SetPriority, SetRateLimit, SetRemoteName, StartDownload,
    route,
};
use dobbin_types::{DownloadProperty, FileNumber, FileProperty, JobId, JobProperty, JobState};
use http::Method;
use utoipa::ToSchema;
use utoipa::openapi::path::{
    HttpMethod, OperationBuilder, Parameter, ParameterBuilder, ParameterIn,
};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ComponentsBuilder, ObjectBuilder, Schema, Type};
use utoipa::openapi::{
    ContentBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, PathsBuilder, Ref, RefOr,
    Required, ResponseBuilder,
};

use crate::ipc::{BYTES, JSON};

/// The document as indented JSON with a line end. Made anew at every call.
pub(crate) fn text() -> String {
    // Writing to memory what we have just made cannot fail; an empty document would be seen by the
    // test that compares it.
    let mut text = document().to_pretty_json().unwrap_or_default();
    text.push('\n');
    // Links between the comments of our types lead nowhere for readers of the document; and the
    // registry of formats calls it `uint32`.
    text.replace("[`", "`").replace("`]", "`").replace("`super::", "`").replace("\"u-int", "\"uint")
}

fn document() -> OpenApi {
    let mut paths = PathsBuilder::new();
    let mut components = ComponentsBuilder::new();
    let all = operations().into_iter().chain(operations_of_properties()).chain(downloads());
    for described in all {
        let Described { method, path, operation, schemas } = described;
        let item = utoipa::openapi::PathItem::new(http_method(&method), operation.build());
        paths = paths.path(path, item);
        components = components.schemas_from_iter(schemas);
    }
    let info = InfoBuilder::new()
        .title("Dobbin")
        // The version of the interface; the agent's own is in the reply of its first path.
        .version("1")
        .description(Some(
            "What a Dobbin agent answers over its unix socket. The kernel says who calls; no header \
             does. Requests with unknown fields or query names are refused; replies may gain fields.",
        ))
        .license(Some(LicenseBuilder::new().name("MIT OR Apache-2.0").build()));
    OpenApiBuilder::new()
        .info(info.build())
        .paths(paths.build())
        .components(Some(components.build()))
        .build()
}

/// One operation in words.
struct Described {
    method: Method,
    path: &'static str,
    operation: OperationBuilder,
    /// Of the bodies it names.
    schemas: Vec<(String, RefOr<Schema>)>,
}

/// Every operation of jobs and of the agent, in the order of the routing table.
fn operations() -> Vec<Described> {
    [about_jobs(), changes(), news()].into_iter().flatten().collect()
}

/// What there is, and more of it.
fn about_jobs() -> Vec<Described> {
    vec![
        get(route::AGENT, "getAgent", "Who answers here").replies::<AgentInfo>(),
        get(
            route::JOBS,
            "getJobs",
            "The caller's jobs that are not over, oldest first, page by page: while a page says `next`, \
             there are more behind it, even if the page itself is empty",
        )
            .text_query(route::QUERY_LOCAL_NAME, "Only jobs with a file of exactly this local name")
            .query::<JobState>(route::QUERY_STATE, "Only jobs in this state")
            .text_query(route::QUERY_AFTER, "Only what comes behind this: `next` of the page before")
            .number_query(route::QUERY_LIMIT, "Jobs of this page at most, from 1 to 1000; left out, 1000")
            .replies::<JobList>(),
        post(route::JOBS, "createJob", "Creates a job, which begins suspended")
            .takes::<CreateJob>()
            .replies_with::<CreatedJob>("201", "Created; `Location` names it"),
        get(route::JOB, "getJob", "One job").replies::<JobInfo>(),
        get(route::FILES, "getFiles", "The job's files").replies::<FileList>(),
        post(route::FILES, "addFiles", "Adds files to the job: all of them or none")
            .takes::<AddFiles>()
            .replies::<AddedFiles>(),
        get(route::FILE, "getFile", "One file of the job").replies::<FileInfo>(),
    ]
}

/// What callers may do to a job.
fn changes() -> Vec<Described> {
    vec![
        post(route::RESUME, "resumeJob", "Starts the job, or starts it again").replies::<Outcome>(),
        post(route::SUSPEND, "suspendJob", "Stops the job until it is resumed")
            .replies::<Outcome>(),
        post(
            route::COMPLETE,
            "completeJob",
            "Puts the job's files under their names and ends the job",
        )
        .replies::<Outcome>(),
        post(
            route::HANDOVER,
            "handOverJob",
            "Leave to take the job's files as open files, over the socket that the reply names",
        )
        .replies::<Handover>(),
        post(route::CANCEL, "cancelJob", "Ends the job; nothing of it is left")
            .replies::<Outcome>(),
        put(route::PRIORITY, "setPriority", "Sets how urgent the job is")
            .takes::<SetPriority>()
            .replies::<Outcome>(),
        put(
            route::NO_PROGRESS_TIMEOUT,
            "setNoProgressTimeout",
            "Sets how long the job may go without a byte",
        )
        .takes::<SetNoProgressTimeout>()
        .replies::<Outcome>(),
        put(route::NOTIFY_FLAGS, "setNotifyFlags", "Sets which events the job's owner is told of")
            .takes::<SetNotifyFlags>()
            .replies::<Outcome>(),
        put(route::RATE_LIMIT, "setRateLimit", "Sets the most that the job may fetch a second")
            .takes::<SetRateLimit>()
            .replies::<Outcome>(),
    ]
}

/// What happened, told to whoever asks or listens.
fn news() -> Vec<Described> {
    vec![
        get(route::ERROR, "getError", "Why the job stopped").replies::<JobFailure>(),
        get(
            route::EVENTS,
            "getEvents",
            "Events of the caller's jobs: first one `current` for each, then what happens",
        )
        .query::<JobId>(route::QUERY_JOB, "Only events of this job")
        .streams::<Event>(),
        post(route::CALLBACKS, "listen", "Listens for calls, for as long as the reply is read")
            .streams::<CallbackEvent>(),
        get(route::CALLBACK, "getCallback", "Who is called about the job")
            .replies::<CallbackInfo>(),
        put(route::CALLBACK, "setCallback", "Sets who is called about the job; the last one is")
            .takes::<SetCallback>()
            .replies::<Outcome>(),
        delete(route::CALLBACK, "clearCallback", "Nobody is called about the job any more")
            .replies::<Outcome>(),
        post(
            route::CALL,
            "answerCall",
            "What the callback returned; `S_FALSE` when nobody waits for it any more",
        )
        .takes::<AnswerCall>()
        .replies::<Outcome>(),
        get(route::OPENAPI, "getOpenapi", "This document").replies_json("The document"),
    ]
}

/// Every operation of downloads.
fn downloads() -> Vec<Described> {
    vec![
        get(route::DOWNLOADS, "getDownloads", "The caller's own downloads that are not over")
            .text_query(route::QUERY_PROPERTY, "Only downloads whose property of this name ...")
            .text_query(route::QUERY_VALUE, "... has exactly this value")
            .text_query(route::QUERY_AFTER, "Only what comes behind this: `next` of the page before")
            .number_query(route::QUERY_LIMIT, "Downloads of this page at most, from 1 to 1000; left out, 1000")
            .replies::<DownloadList>(),
        post(route::DOWNLOADS, "createDownload", "Creates a download, with every property at its default")
            .takes::<CreateDownload>()
            .replies_with::<CreatedDownload>("201", "Created; `Location` names it"),
        get(route::DOWNLOAD, "getDownload", "One download").replies::<DownloadInfo>(),
        post(
            route::DOWNLOAD_START,
            "startDownload",
            "Starts the download, goes on with it, or fetches another portion; in blocking mode answered \
             at the end of the transfer",
        )
        .takes::<StartDownload>()
        .replies::<DownloadOutcome>(),
        post(route::DOWNLOAD_PAUSE, "pauseDownload", "Stops the download; what is here is kept")
            .replies::<DownloadOutcome>(),
        post(route::DOWNLOAD_ABORT, "abortDownload", "Ends the download; nothing of it is left")
            .replies::<DownloadOutcome>(),
        post(
            route::DOWNLOAD_FINALIZE,
            "finalizeDownload",
            "Puts the file under its name and ends the download",
        )
        .replies::<DownloadOutcome>(),
        get(route::DOWNLOAD_STATUS, "getDownloadStatus", "How the download stands")
            .replies::<DownloadStatus>(),
        get(route::DOWNLOAD_PROPERTY, "getDownloadProperty", "A property, by its word or number")
            .replies::<PropertyBody>(),
        put(route::DOWNLOAD_PROPERTY, "setDownloadProperty", "Sets a property")
            .takes::<PropertyBody>()
            .replies_nothing("Set"),
        get(
            route::DOWNLOAD_CONTENT,
            "getDownloadContent",
            "The bytes of a transferred download whose caller takes them itself",
        )
        .number_query(route::QUERY_OFFSET, "The first byte that is wanted; left out, 0")
        .replies_bytes("The bytes to the end, in order"),
    ]
}

/// Those of properties and figures.
fn operations_of_properties() -> Vec<Described> {
    vec![
        get(route::FILE_STATS, "getFileStats", "Where the file's bytes came from")
            .replies::<FileStats>(),
        get(route::FILE_WHY, "getFileWhy", "Why the file stands where it stands")
            .replies::<FileWhy>(),
        put(route::REMOTE_NAME, "setRemoteName", "Sets where the file comes from")
            .takes::<SetRemoteName>()
            .replies::<Outcome>(),
        get(route::FILE_PROPERTY, "getFileProperty", "A property of the file")
            .names_property(FileProperty::all().map(FileProperty::word))
            .replies::<PropertyBody>(),
        put(route::FILE_PROPERTY, "setFileProperty", "Sets a property of the file")
            .names_property(FileProperty::all().map(FileProperty::word))
            .takes::<PropertyBody>()
            .replies::<Outcome>(),
        get(route::STATS, "getStats", "Where the bytes of the job's files came from")
            .replies::<JobStats>(),
        get(route::WHY, "getWhy", "Why the job stands where it stands").replies::<JobWhy>(),
        get(route::JOB_PROPERTY, "getJobProperty", "A property of the job")
            .names_property(JobProperty::all().map(JobProperty::word))
            .replies::<PropertyBody>(),
        put(route::JOB_PROPERTY, "setJobProperty", "Sets a property of the job")
            .names_property(JobProperty::all().map(JobProperty::word))
            .takes::<PropertyBody>()
            .replies::<Outcome>(),
    ]
}

fn get(path: &'static str, id: &str, summary: &str) -> Described {
    Described::new(Method::GET, path, id, summary)
}

fn post(path: &'static str, id: &str, summary: &str) -> Described {
    Described::new(Method::POST, path, id, summary)
}

fn put(path: &'static str, id: &str, summary: &str) -> Described {
    Described::new(Method::PUT, path, id, summary)
}

fn delete(path: &'static str, id: &str, summary: &str) -> Described {
    Described::new(Method::DELETE, path, id, summary)
}

impl Described {
    fn new(method: Method, path: &'static str, id: &str, summary: &str) -> Described {
        let operation = OperationBuilder::new().operation_id(Some(id)).summary(Some(summary));
        let described = Described { method, path, operation, schemas: Vec::new() };
        described
            .fails()
            .in_path::<JobId>("job")
            .in_path::<FileNumber>("file")
            .in_path::<CallNumber>("call")
            .in_path::<JobId>("download")
            .in_path::<DownloadProperty>("property")
    }

    /// A reference to the schema of `T`, which the document then holds, with all it refers to.
    fn schema<T: ToSchema>(&mut self) -> Ref {
        self.schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(&mut self.schemas);
        Ref::from_schema_name(T::name())
    }

    /// Whatever goes wrong has the same body.
    fn fails(mut self) -> Described {
        let content = ContentBuilder::new().schema(Some(self.schema::<Failure>())).build();
        let response = ResponseBuilder::new()
            .description("The call failed: the body says why")
            .content(JSON, content);
        self.operation = self.operation.response("default", response);
        self
    }

    /// The parameter `name`, if the path has it.
    fn in_path<T: ToSchema>(mut self, name: &str) -> Described {
        if !self.path.contains(&format!("{{{name}}}")) {
            return self;
        }
        let schema = self.schema::<T>();
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .schema(Some(schema));
        self.operation = self.operation.parameter(parameter);
        self
    }

    /// The parameter `property`, which is one of these words.
    fn names_property(mut self, words: impl Iterator<Item = &'static str>) -> Described {
        let schema = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words));
        let parameter = ParameterBuilder::new()
            .name("property")
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .schema(Some(Schema::from(schema)));
        self.operation = self.operation.parameter(parameter);
        self
    }

    fn query<T: ToSchema>(mut self, name: &str, description: &str) -> Described {
        let schema = self.schema::<T>();
        self.operation = self.operation.parameter(optional_query(name, description, schema));
        self
    }

    fn text_query(mut self, name: &str, description: &str) -> Described {
        let text = Schema::from(ObjectBuilder::new().schema_type(Type::String));
        self.operation = self.operation.parameter(optional_query(name, description, text));
        self
    }

    fn number_query(mut self, name: &str, description: &str) -> Described {
        let number = Schema::from(ObjectBuilder::new().schema_type(Type::Integer));
        self.operation = self.operation.parameter(optional_query(name, description, number));
        self
    }

    fn takes<T: ToSchema>(mut self) -> Described {
        let content = ContentBuilder::new().schema(Some(self.schema::<T>())).build();
        let body = RequestBodyBuilder::new().content(JSON, content).required(Some(Required::True));
        self.operation = self.operation.request_body(Some(body.build()));
        self
    }

    fn replies<T: ToSchema>(self) -> Described {
        self.replies_with::<T>("200", "Done")
    }

    fn replies_with<T: ToSchema>(mut self, status: &str, description: &str) -> Described {
        let content = ContentBuilder::new().schema(Some(self.schema::<T>())).build();
        let response = ResponseBuilder::new().description(description).content(JSON, content);
        self.operation = self.operation.response(status, response);
        self
    }

    fn replies_json(mut self, description: &str) -> Described {
        let content = ContentBuilder::new().build();
        let response = ResponseBuilder::new().description(description).content(JSON, content);
        self.operation = self.operation.response("200", response);
        self
    }

    fn replies_nothing(mut self, description: &str) -> Described {
        let response = ResponseBuilder::new().description(description);
        self.operation = self.operation.response("204", response);
        self
    }

    fn replies_bytes(mut self, description: &str) -> Described {
        let content = ContentBuilder::new().build();
        let response = ResponseBuilder::new().description(description).content(BYTES, content);
        self.operation = self.operation.response("200", response);
        self
    }

    fn streams<T: ToSchema>(mut self) -> Described {
        let content = ContentBuilder::new().schema(Some(self.schema::<T>())).build();
        let response = ResponseBuilder::new()
            .description(
                "Server-sent events without end; `event:` is the word that says what happened, \
                 `data:` one body of this schema",
            )
            .content("text/event-stream", content);
        self.operation = self.operation.response("200", response);
        self
    }
}

fn optional_query(name: &str, description: &str, schema: impl Into<RefOr<Schema>>) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(schema))
        .build()
}

fn http_method(method: &Method) -> HttpMethod {
    match *method {
        Method::POST => HttpMethod::Post,
        Method::PUT => HttpMethod::Put,
        Method::DELETE => HttpMethod::Delete,
        _ => HttpMethod::Get,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;
    use std::{env, fs};

    use super::*;
    use crate::ipc;

    #[test]
    fn every_route_is_in_the_document_and_nothing_else_is() {
        let routed: BTreeSet<(String, String)> = ipc::table()
            .iter()
            .map(|row| (row.path.to_owned(), row.method.as_str().to_lowercase()))
            .collect();
        let document: serde_json::Value = serde_json::from_str(&text()).unwrap();
        let described: BTreeSet<(String, String)> = document["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, item)| {
                item.as_object().unwrap().keys().map(|method| (path.clone(), method.clone()))
            })
            .collect();
        assert_eq!(described, routed);
        assert_eq!(routed.len(), ipc::table().len(), "no row stands twice");
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let text = text();
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        let schemas = document["components"]["schemas"].as_object().unwrap();
        let mut count = 0;
        for after in text.split("\"#/components/schemas/").skip(1) {
            let name = after.split('"').next().unwrap();
            assert!(schemas.contains_key(name), "{name} is referred to but not there");
            count += 1;
        }
        assert!(count > schemas.len(), "references are found at all");
    }

    #[test]
    fn the_document_has_the_words_of_the_wire_and_no_names_of_ours() {
        let document: serde_json::Value = serde_json::from_str(&text()).unwrap();
        let mut count = 0;
        for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
            for word in schema["enum"].as_array().unwrap_or(&Vec::new()) {
                let word = word.as_str().unwrap();
                assert!(!word.contains(char::is_uppercase), "{name}: {word}");
                count += 1;
            }
        }
        assert!(count > JobState::ALL.len(), "words are found at all");
        let states = &document["components"]["schemas"]["JobState"]["enum"];
        assert_eq!(*states, serde_json::to_value(JobState::ALL).unwrap());
    }

    /// Set `DOBBIN_UPDATE=1` to write the file anew after a change that was meant.
    #[test]
    fn the_committed_document_is_the_one_that_is_served() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
        let text = text();
        if env::var_os("DOBBIN_UPDATE").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &text).unwrap();
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == text,
            "docs/openapi.json is out of date: run the tests with DOBBIN_UPDATE=1 and review it"
        );
    }
}
