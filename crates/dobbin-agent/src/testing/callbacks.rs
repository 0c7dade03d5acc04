//! Programs that are called back, as it looks on the wire.

use dobbin_types::rest::{CallbackEvent, CallbackInfo, ListenerId, Outcome, Released};
use dobbin_types::{ErrorCode, JobId};

use super::House;
use super::events::Subscribed;

/// A program's connection.
struct Program {
    stream: Subscribed,
    id: ListenerId,
}

impl Program {
    async fn of(house: &House) -> Program {
        let mut stream = Subscribed::by(house, "POST", "/v1/callbacks").await;
        let (word, CallbackEvent::Listening { listener }) = stream.named().await else {
            panic!("it begins with who the connection is");
        };
        assert_eq!(word, "listening");
        Program { stream, id: listener }
    }

    async fn hear(&mut self) -> CallbackEvent {
        let (word, event): (String, CallbackEvent) = self.stream.named().await;
        assert_eq!(word, event.word());
        event
    }
}

fn path_of(job: JobId) -> String {
    format!("/v1/jobs/{job}/callback")
}

async fn registered(house: &House, job: JobId) -> Option<ListenerId> {
    house.ask("GET", &path_of(job)).await.body_as::<CallbackInfo>().listener
}

/// conformance: Job::SetNotifyInterface, Job::GetNotifyInterface
#[tokio::test]
async fn a_program_is_registered_called_replaced_and_let_go() {
    let house = House::open().await;
    let job = house.create("watched").await;
    house.tell("PUT", &format!("/v1/jobs/{job}/notify-flags"), r#"{"flags":8}"#).await;
    assert_eq!(house.ask("GET", &path_of(job)).await.body, "{}", "nobody, and no number");
    let (mut first, mut second) = (Program::of(&house).await, Program::of(&house).await);
    for program in [&first, &second] {
        let body = format!(r#"{{"listener":{}}}"#, program.id.0);
        let set = house.tell("PUT", &path_of(job), &body).await;
        assert_eq!(set.body_as::<Outcome>().code, ErrorCode::S_OK);
        assert_eq!(registered(&house, job).await, Some(program.id));
    }
    assert_eq!(first.hear().await, CallbackEvent::Released { job, why: Released::Replaced });

    house.tell("PUT", &format!("/v1/jobs/{job}/priority"), r#"{"priority":"high"}"#).await;
    let CallbackEvent::JobModification { job: told } = second.hear().await else {
        panic!("a property changed");
    };
    assert_eq!(told.id, job);

    house.ask("DELETE", &path_of(job)).await;
    assert_eq!(second.hear().await, CallbackEvent::Released { job, why: Released::Cleared });
    assert_eq!(registered(&house, job).await, None);
    house.close().await;
}

/// conformance: Callback registration
#[tokio::test]
async fn a_registration_ends_with_the_connection() {
    let house = House::open().await;
    let job = house.create("watched").await;
    let program = Program::of(&house).await;
    let body = format!(r#"{{"listener":{}}}"#, program.id.0);
    house.tell("PUT", &path_of(job), &body).await;
    drop(program);
    // The agent learns of it from the kernel, in its own time.
    while registered(&house, job).await.is_some() {
        tokio::task::yield_now().await;
    }
    let refused =
        house.tell("PUT", &path_of(job), &body).await.refused(400, ErrorCode::E_INVALIDARG);
    assert_eq!(refused.field.as_deref(), Some("listener"));
    house.close().await;
}

#[tokio::test]
async fn an_answer_that_nobody_waits_for_changes_nothing() {
    let house = House::open().await;
    let job = house.create("quiet").await;
    let call = |number: &str| format!("/v1/jobs/{job}/callback/{number}");
    let late = house.tell("POST", &call("7"), r#"{"result":"0x00000000"}"#).await;
    assert_eq!(late.body_as::<Outcome>().code, ErrorCode::S_FALSE);
    let wrong = house.tell("POST", &call("-7"), r#"{"result":"0x00000000"}"#).await;
    assert_eq!(wrong.refused(400, ErrorCode::E_INVALIDARG).field.as_deref(), Some("call"));
    // A callback may end its job before it returns.
    house.ask("POST", &format!("/v1/jobs/{job}/cancel")).await;
    let over = house.tell("POST", &call("7"), r#"{"result":"0x00000000"}"#).await;
    assert_eq!(over.body_as::<Outcome>().code, ErrorCode::S_FALSE);
    house.close().await;
}
