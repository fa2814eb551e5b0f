//! What goes wrong in a demo with `--chaos`: replicas that restart, hang and become slow, at random and yet the same
//! every time for the same seed.

use std::time::Duration;

use fastrand::Rng;
use tokio::task::JoinSet;

use super::gate::Stand;
use super::replica::Replica;

/// From mishap to mishap of the whole fleet, about.
const PAUSE: Duration = Duration::from_secs(6);

/// Something that happens to a replica, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mishap {
    /// It is killed, and comes back as another life.
    Restarts(Duration),
    /// It takes connections and answers nothing.
    Hangs(Duration),
    /// It answers, but later by `by`.
    Slows { by: Duration, during: Duration },
}

/// Lets things go wrong until it is dropped.
pub(super) async fn play(seed: u64, replicas: Vec<Replica>) {
    let count = u32::try_from(replicas.len()).unwrap_or(u32::MAX);
    let mut seeds = Rng::with_seed(seed);
    let mut fates: JoinSet<()> =
        replicas.into_iter().map(|replica| suffer(replica, seeds.fork(), PAUSE * count)).collect();
    while fates.join_next().await.is_some() {}
}

/// One replica's fate: a mishap, and another one about so long after it.
async fn suffer(mut replica: Replica, mut random: Rng, pause: Duration) {
    loop {
        tokio::time::sleep(pause.mul_f64(0.25 + 1.5 * random.f64())).await;
        befall(&mut replica, next(&mut random)).await;
    }
}

fn next(random: &mut Rng) -> Mishap {
    let mut seconds = |least: f64, most: f64| Duration::from_secs_f64(least + random.f64() * (most - least));
    let (restart, hang, slow, by) = (seconds(1.0, 5.0), seconds(4.0, 15.0), seconds(5.0, 12.0), seconds(0.1, 0.6));
    match random.u8(..3) {
        0 => Mishap::Restarts(restart),
        1 => Mishap::Hangs(hang),
        _ => Mishap::Slows { by, during: slow },
    }
}

async fn befall(replica: &mut Replica, mishap: Mishap) {
    let set = |replica: &Replica, stand| replica.gate.iter().for_each(|gate| gate.set(stand));
    match mishap {
        Mishap::Restarts(during) => {
            set(replica, Stand::Gone);
            replica.kill();
            tokio::time::sleep(during).await;
            replica.start_again().await;
        }
        Mishap::Hangs(during) => {
            set(replica, Stand::Shut);
            tokio::time::sleep(during).await;
            set(replica, Stand::Open);
        }
        Mishap::Slows { by, during } => {
            set(replica, Stand::Slow(by));
            tokio::time::sleep(during).await;
            set(replica, Stand::Open);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_brings_the_same_mishaps_and_all_kinds_of_them() {
        let of = |seed| {
            let mut random = Rng::with_seed(seed);
            (0..30).map(|_| next(&mut random)).collect::<Vec<_>>()
        };
        assert_eq!(of(7), of(7));
        assert_ne!(of(7), of(8));
        for is_kind in [
            |mishap: &Mishap| matches!(mishap, Mishap::Restarts(_)),
            |mishap: &Mishap| matches!(mishap, Mishap::Hangs(_)),
            |mishap: &Mishap| matches!(mishap, Mishap::Slows { .. }),
        ] {
            assert!(of(7).iter().any(is_kind));
        }
    }
}
