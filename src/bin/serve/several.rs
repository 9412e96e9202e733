//! Several answers to one request (`n`): each is a generation of its own with a seed of its own,
//! and counts as a request against the limits of who asks.

use std::sync::Arc;

use engine::{Complete, Completion};
use futures::{StreamExt as _, TryStreamExt as _};

use crate::generation::{Event, Generation};
use crate::member::Member;
use crate::options::Ask;
use crate::refusal::Refusal;
use crate::registry::Task;
use crate::state::Shared;

/// At a time: the engine computes them in one batch.
const TOGETHER: usize = 4;

/// All answers, and the SHA-256 of the model's file.
///
/// # Errors
/// What the first of them fails with.
pub(crate) async fn complete(
    shared: &Arc<Shared>,
    task: &Task<dyn Complete>,
    ask: Ask,
    member: &Arc<Member>,
) -> Result<(Vec<Completion>, String), Refusal> {
    let width = member.parallel().unwrap_or(TOGETHER).clamp(1, TOGETHER);
    let one = async |n: u32| {
        let mut ask = ask.clone();
        ask.sampling.seed = ask.sampling.seed.wrapping_add(n);
        let mut generation = Generation::start(shared, task, ask, member).await?;
        match generation.next().await {
            Event::Done(result) => Ok((result?, generation.sha256)),
            Event::Text(_) => Err(Refusal::engine("a piece of text was not asked for")),
        }
    };
    let asked = futures::stream::iter((0..ask.choices).map(one)).buffered(width);
    let all: Vec<(Completion, String)> = asked.try_collect().await?;
    let sha256 = all.first().map(|(_, sha256)| sha256.clone()).unwrap_or_default();
    Ok((all.into_iter().map(|(completion, _)| completion).collect(), sha256))
}
