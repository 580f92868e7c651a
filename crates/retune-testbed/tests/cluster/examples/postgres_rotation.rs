//! The example `postgres-rotation`: a real PostgreSQL in a pod, and a Secret that the API server changes.

use std::collections::BTreeMap;
use std::path::Path;

use retune_testbed::{Namespace, PodRef, check, image, wait};
use serde_json::json;

const EXAMPLE: &str = "postgres-rotation";

/// The Deployment, and its pods' label.
const PODS: &str = "app=postgres-rotation";

/// A database and its clients, in a namespace of their own.
struct Story {
    namespace: Namespace,
    database: PodRef,
    /// Both clients, with their uids.
    pods: Vec<(PodRef, String)>,
}

impl Story {
    /// Does what the README does. `None`, and a word, where there is no PostgreSQL that a pod could run.
    #[expect(clippy::print_stderr, reason = "a skipped test says so")]
    fn start(prefix: &str) -> Option<Self> {
        if !Path::new("/usr/lib/postgresql").is_dir() || image() != super::OVERLAY_IMAGE {
            eprintln!("skipped: pods here have no PostgreSQL in /usr/lib/postgresql");
            return None;
        }
        let namespace = Namespace::new(prefix);
        let create = [
            "create",
            "secret",
            "generic",
            "postgres",
            "--from-literal=password=swordfish-0",
        ];
        namespace.kubectl(&create).run().unwrap();
        let create = [
            "create",
            "secret",
            "generic",
            "database",
            "--from-literal=username=app_a",
            "--from-literal=password=swordfish-1",
        ];
        namespace.kubectl(&create).run().unwrap();
        super::apply(&namespace, EXAMPLE);
        let database = namespace.pod("postgres-0");
        wait("the database has a pod", || database.object());
        database.wait_ready();
        let pods = super::both_ready(&namespace, EXAMPLE);
        let story = Self {
            namespace,
            database,
            pods,
        };
        for user in ["app_a", "app_b"] {
            story.sql(&format!("create role {user} login password 'swordfish-1'"));
        }
        story.wait_user("app_a");
        Some(story)
    }

    /// Runs a command as the database's superuser.
    #[track_caller]
    fn sql(&self, sql: &str) -> String {
        let psql = ["psql", "-U", "postgres", "-qAt", "-c", sql];
        let output = self.database.exec(&psql).unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Makes this the Secret's pair.
    #[track_caller]
    fn set(&self, user: &str, password: &str) {
        let change = json!({"stringData": {"username": user, "password": password}});
        let patch = ["patch", "secret", "database", "-p", &change.to_string()];
        self.namespace.kubectl(&patch).run().unwrap();
        super::nudge(&self.namespace, PODS);
    }

    /// Both clients ask as this user; with the generations.
    #[track_caller]
    fn wait_user(&self, user: &str) -> BTreeMap<String, u64> {
        let ask = |(pod, _): &(PodRef, String)| {
            wait(&format!("{} asks as {user}", pod.name()), || {
                let page = pod.get_json("/")?;
                check(page["user"] == user, &page)?;
                let generation = page["generation"].as_u64().unwrap_or_default();
                Ok::<_, retune_testbed::Error>((pod.name().to_owned(), generation))
            })
        };
        self.pods.iter().map(ask).collect()
    }
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn postgres_rotation_runs_from_its_own_manifests_but_for_image_and_command() {
    super::assert_overlay_changes_image_and_command_only(EXAMPLE, 3);
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn h5_postgres_rotation_follows_a_secret_from_user_to_user_in_all_replicas() {
    let Some(story) = Story::start("postgres") else {
        return;
    };
    let users = ["app_a", "app_b"];
    for round in 1..=4 {
        let (old, new) = (users[(round + 1) % 2], users[round % 2]);
        let password = format!("swordfish-{round}");
        story.sql(&format!("alter role {new} password '{password}'"));
        story.set(new, &password);
        let generations = story.wait_user(new);
        let expected = u64::try_from(round).unwrap() + 1;
        assert!(
            generations.values().all(|of| *of == expected),
            "{generations:?}"
        );
        let sessions = format!("select count(*) from pg_stat_activity where usename = '{old}'");
        wait(&format!("the sessions of {old} end"), || {
            let left = story.sql(&sessions);
            check(left == "0", left)
        });
    }
    super::assert_same_processes(&story.namespace, PODS, &story.pods);
    for (pod, _) in &story.pods {
        let page = pod.get_json("/").unwrap();
        assert_eq!(page["waited"], 0, "{page}");
        let pages = ["/configz", "/metrics"].map(|path| pod.get(path).unwrap());
        let all = format!("{}{}", pages.concat(), pod.log().unwrap());
        assert!(!all.contains("swordfish"), "{all}");
    }
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn postgres_rotation_refuses_a_password_that_the_database_refuses() {
    let Some(story) = Story::start("mistaken") else {
        return;
    };
    story.set("app_a", "swordfish-2");
    for (pod, _) in &story.pods {
        wait(&format!("{} refuses it", pod.name()), || {
            let page = pod.get_json("/configz")?;
            let told = page["reasons"].to_string();
            check(told.contains("password authentication failed"), &page)
        });
        assert_eq!(pod.get_json("/").unwrap()["generation"], 1);
    }
    story.set("app_a", "swordfish-1");
    for (pod, _) in &story.pods {
        wait(&format!("{} is well again", pod.name()), || {
            let page = pod.get_json("/configz")?;
            check(page["health"] == "ok", &page)
        });
    }
}
