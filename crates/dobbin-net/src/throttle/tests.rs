//! Readers in virtual time: no test here waits for a clock.

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const MIB: u64 = 1 << 20;

fn rate(bytes_per_second: u64) -> Option<BytesPerSecond> {
    BytesPerSecond::new(bytes_per_second)
}

/// Runs in virtual time: a wait ends as soon as everybody waits.
fn run<T>(future: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_time().start_paused(true).build().unwrap().block_on(future)
}

/// Reads for `span` over so many connections, as much at a time as the throttle says; returns how
/// much came.
async fn read(throttle: &Throttle, connections: usize, span: Duration) -> u64 {
    let end = Instant::now() + span;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..connections {
        let throttle = throttle.clone();
        tasks.spawn(async move {
            let mut bytes = 0;
            while Instant::now() < end {
                let read = throttle.read_max().map_or(MIB, |bytes| (bytes as u64).min(MIB));
                bytes += read;
                throttle.take(read).await;
            }
            bytes
        });
    }
    tasks.join_all().await.into_iter().sum()
}

#[track_caller]
fn close(got: u64, expect: u64) {
    let within = expect * 3 / 100;
    assert!(got.abs_diff(expect) <= within, "{got} is not {expect} to 3 %");
}

#[test]
fn without_a_rate_nobody_waits_and_nothing_binds() {
    run(async {
        let throttle = Service::new(None).job(true, None);
        let began = Instant::now();
        throttle.take(u64::MAX).await;
        throttle.take(u64::MAX).await;
        assert_eq!(began.elapsed(), Duration::ZERO);
        assert_eq!((throttle.read_max(), throttle.binding()), (None, Binding::default()));
    });
}

#[test]
fn five_seconds_have_their_rate_whatever_it_is_and_however_many_read() {
    for bytes_per_second in [1_024, MIB, 10 * MIB, 100 * MIB] {
        for connections in [1, 16] {
            run(async {
                let own = Throttle::new(rate(bytes_per_second));
                let shared = Service::new(rate(bytes_per_second)).job(false, None);
                for throttle in [own, shared] {
                    // Nobody knows yet how many read; the first read of each is a full one.
                    read(&throttle, connections, SECOND / 2).await;
                    for _ in 0..3 {
                        let got = read(&throttle, connections, 5 * SECOND).await;
                        close(got, 5 * bytes_per_second);
                    }
                }
            });
        }
    }
}

#[test]
fn the_lower_of_the_two_limits_binds() {
    run(async {
        let service = Service::new(rate(10 * MIB));
        let job = service.job(false, rate(MIB));
        close(read(&job, 4, 5 * SECOND).await, 5 * MIB);
        assert_eq!(job.binding(), Binding { own: true, service: false });
        job.set_rate(rate(100 * MIB));
        tokio::time::advance(BINDING).await;
        close(read(&job, 4, 5 * SECOND).await, 50 * MIB);
        assert_eq!(job.binding(), Binding { own: false, service: true });
    });
}

#[test]
fn jobs_get_alike_whatever_their_connections() {
    run(async {
        let service = Service::new(rate(8 * MIB));
        let (many, one) = (service.job(false, None), service.job(false, None));
        let (many, one) = tokio::join!(read(&many, 16, 10 * SECOND), read(&one, 1, 10 * SECOND));
        close(many, 40 * MIB);
        close(one, 40 * MIB);
    });
}

#[test]
fn foreground_comes_first_and_a_job_may_become_it() {
    run(async {
        let service = Service::new(rate(10 * MIB));
        let (front, back) = (service.job(true, None), service.job(false, None));
        let (before, after) =
            tokio::join!(read(&front, 1, 10 * SECOND), read(&back, 16, 10 * SECOND));
        assert!(before > 92 * MIB && after > 2 * MIB && after < 8 * MIB, "{before} {after}");
        back.set_foreground(true);
        let (front, back) =
            tokio::join!(read(&front, 1, 10 * SECOND), read(&back, 16, 10 * SECOND));
        close(front, 50 * MIB);
        close(back, 50 * MIB);
    });
}

#[test]
fn a_job_that_is_dropped_leaves_its_part_to_the_others() {
    run(async {
        let service = Service::new(rate(2 * MIB));
        let (stays, leaves) = (service.job(false, None), service.job(false, None));
        // It owes for longer than anybody here lives.
        drop(tokio::time::timeout(SECOND, leaves.take(u64::MAX)).await);
        drop(leaves);
        close(read(&stays, 1, 10 * SECOND).await, 20 * MIB);
    });
}

#[test]
fn a_new_rate_reaches_those_who_wait() {
    run(async {
        for new in [None, rate(u64::MAX)] {
            // At one byte a second this would take a century.
            let own = Throttle::new(rate(1));
            let service = Service::new(rate(1));
            let shared = service.job(false, None);
            let began = Instant::now();
            let wait = async { tokio::join!(own.take(3_000_000_000), shared.take(3_000_000_000)) };
            let change = async {
                tokio::task::yield_now().await;
                own.set_rate(new);
                service.set_rate(new);
            };
            tokio::join!(wait, change);
            assert!(began.elapsed() <= LOOK_AGAIN);
        }
    });
}

#[test]
fn small_rates_are_read_in_small_sips() {
    let sip = |bytes_per_second| Throttle::new(rate(bytes_per_second)).read_max();
    run(async move {
        assert_eq!(sip(1_024), Some(20));
        assert_eq!(sip(1), Some(8));
        assert_eq!(sip(MIB), Some(20_971));
        assert_eq!(sip(100 * MIB), Some(2_097_152));
    });
}
