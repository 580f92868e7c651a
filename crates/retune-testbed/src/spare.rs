//! The node that tests may stop.

use std::ops::Deref;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::cluster::{Cluster, must};
use crate::nodes::{Node, Nodes};
use crate::wait::{check, wait};

/// One test at a time.
static TURN: Mutex<()> = Mutex::new(());

/// The test bed's last node, for one test alone. No scheduler gives it a pod, so that whoever stops it
/// disturbs nobody: a test puts its pods there by [`Pod::on_node`](crate::Pod::on_node). It runs
/// again when this is dropped, also by a test that fails.
#[derive(Debug)]
pub struct Spare {
    node: Node,
    _turn: MutexGuard<'static, ()>,
}

// === impl Nodes ===

impl Nodes {
    /// The node that may be stopped, when no other test has it.
    ///
    /// # Panics
    ///
    /// When there is only one node, or that one is not ready in time.
    #[track_caller]
    pub fn spare(&self) -> Spare {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let node = must(self.last());
        let node = must(node.ok_or_else(|| "a test bed of one node has none to spare".into()));
        let path = format!("/api/v1/nodes/{}", node.name());
        wait(&format!("{} is ready", node.name()), || {
            let object = Cluster::connect().get(&path)?;
            let conditions = object["status"]["conditions"].as_array();
            let ready = conditions.into_iter().flatten();
            let mut ready = ready.filter(|condition| condition["type"] == "Ready");
            check(ready.any(|ready| ready["status"] == "True"), &object)
        });
        Spare { node, _turn: turn }
    }
}

// === impl Spare ===

impl Deref for Spare {
    type Target = Node;

    fn deref(&self) -> &Node {
        &self.node
    }
}

impl Drop for Spare {
    fn drop(&mut self) {
        // The next test would say that it is not ready.
        _ = self.node.start();
    }
}
