//! What helps to see why a test failed.

use std::fmt::Write;

use serde_json::Value;

use crate::cluster::Cluster;
use crate::error::Result;

/// How many lines of each log are shown.
const LINES: u32 = 30;

/// The pods of a namespace with their state and the end of their logs, and its events.
pub(crate) fn of_namespace(cluster: &Cluster, namespace: &str) -> String {
    let mut report = format!("--- namespace {namespace}\n");
    let base = format!("/api/v1/namespaces/{namespace}");
    if let Err(error) = pods(&mut report, cluster, &base) {
        _ = writeln!(report, "(its pods cannot be listed: {error})");
    }
    if let Err(error) = events(&mut report, cluster, &base) {
        _ = writeln!(report, "(its events cannot be listed: {error})");
    }
    report + "---\n"
}

/// A pod's state in a line or a few: its phase, what it waits for, how its containers are.
pub(crate) fn state(pod: &Value) -> String {
    let status = &pod["status"];
    let mut text = text(&status["phase"]).to_owned();
    if let Some(node) = pod["spec"]["nodeName"].as_str() {
        _ = write!(text, " on {node}");
    }
    if !pod["metadata"]["deletionTimestamp"].is_null() {
        text.push_str(", going away");
    }
    let conditions = list(&status["conditions"]).filter(|condition| condition["status"] != "True");
    for condition in conditions {
        _ = write!(text, "; not {}", self::text(&condition["type"]));
        for field in ["reason", "message"] {
            if let Some(why) = condition[field].as_str() {
                _ = write!(text, ": {why}");
            }
        }
    }
    for container in list(&status["containerStatuses"]) {
        _ = write!(
            text,
            "; container {}: {} restarts, {}, before {}",
            self::text(&container["name"]),
            container["restartCount"],
            container["state"],
            container["lastState"],
        );
    }
    text
}

fn pods(report: &mut String, cluster: &Cluster, base: &str) -> Result {
    for pod in cluster.list(&format!("{base}/pods"))? {
        let name = text(&pod["metadata"]["name"]);
        _ = writeln!(report, "pod {name}: {}", state(&pod));
        for container in list(&pod["status"]["containerStatuses"]) {
            let again = container["restartCount"].as_u64() > Some(0);
            let container = text(&container["name"]);
            for (when, query) in [("", ""), (" before its restart", "&previous=true")] {
                if !query.is_empty() && !again {
                    continue;
                }
                let log = format!("{base}/pods/{name}/log?container={container}&tailLines={LINES}");
                let log = cluster.get_text(&(log + query));
                let log = log.unwrap_or_else(|error| format!("(no log: {error})"));
                _ = writeln!(report, "  {container}{when}, last {LINES} lines:");
                for line in log.lines() {
                    _ = writeln!(report, "  | {line}");
                }
            }
        }
    }
    Ok(())
}

fn events(report: &mut String, cluster: &Cluster, base: &str) -> Result {
    let mut events = cluster.list(&format!("{base}/events"))?;
    let time = |event: &Value| {
        let times = [&event["lastTimestamp"], &event["eventTime"]].map(Value::as_str);
        times
            .into_iter()
            .flatten()
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    events.sort_by_cached_key(time);
    for event in &events {
        let object = &event["involvedObject"];
        _ = writeln!(
            report,
            "event {} {} {}/{} {}: {}",
            time(event),
            text(&event["type"]),
            text(&object["kind"]),
            text(&object["name"]),
            text(&event["reason"]),
            text(&event["message"]),
        );
    }
    Ok(())
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_state_says_what_is_not_so_and_how_containers_are() {
        let pod = json!({
            "metadata": { "name": "p" },
            "spec": { "nodeName": "node-1" },
            "status": {
                "phase": "Pending",
                "conditions": [
                    { "type": "PodScheduled", "status": "True" },
                    { "type": "Ready", "status": "False", "reason": "ContainersNotReady" },
                ],
                "containerStatuses": [
                    { "name": "probe", "restartCount": 2, "state": { "waiting": {} }, "lastState": {} },
                ],
            },
        });
        assert_eq!(
            state(&pod),
            "Pending on node-1; not Ready: ContainersNotReady; \
             container probe: 2 restarts, {\"waiting\":{}}, before {}"
        );
    }
}
