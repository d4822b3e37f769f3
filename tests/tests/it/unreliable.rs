//! A bus that loses, repeats and delays: everybody still ends with what is stored.

use std::sync::Arc;

use tests::{Answer, Provider, UnreliableBus, World, openai, seeds};

#[tokio::test]
async fn every_follower_ends_with_what_is_stored() {
    for seed in seeds(8) {
        let mut provider = Provider::start().await;
        let world = World::start_on(Arc::new(UnreliableBus::new(seed)), openai(&provider)).await;
        let mut first = world.connect("u", "session_id=s&after_seq=0").await;
        let mut second = world.connect("u", "session_id=s&after_seq=0").await;
        let mut whole = Vec::new();
        for question in ["one", "two", "three"] {
            first.say("s", question, question).await;
            first.wait_for("ack").await;
            let stream = provider.call().await.begin();
            for piece in 0..40 {
                stream.push(&format!("{piece} "));
            }
            stream.end();
            let answer = first.answer().await;
            assert_eq!(second.answer().await, answer, "seed {seed}, {question}");
            whole.push(answer);
        }
        let mut late = world.connect("u", "session_id=s&after_seq=0").await;
        for answer in &whole {
            assert_eq!(late.answer().await, *answer, "seed {seed}");
        }
        let expected: String = (0..40).map(|piece| format!("{piece} ")).collect();
        assert!(
            whole.iter().all(|Answer { text, .. }| *text == expected),
            "seed {seed}"
        );
    }
}
