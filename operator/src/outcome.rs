//! What a look comes to when nothing is wrong; everything else is an [`crate::error::Error`]. Pure.

/// What a look came to when nothing was wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Converged {
    /// Address of the chat page inside the cluster.
    pub url: String,
    /// Label selector of the pods.
    pub selector: String,
    /// How many objects a paused Chatbox holds back from change; none when it is not paused.
    pub held_back: Option<usize>,
}
