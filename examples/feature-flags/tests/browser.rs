//! What an open page does by itself, in a real browser.
mod support;

use serde_json::{Value, json};
use support::{Browser, Pod, document, wait};

/// Opens the program's page, and marks it: a page that is loaded anew has no mark.
fn open(browser: &Browser, pod: &Pod) {
    browser.open(&format!("http://{}/", pod.address()));
    browser.run("window.mark = 'still here'");
}

#[track_caller]
fn wait_for(browser: &Browser, script: &str, expected: &Value) {
    wait(script, || {
        let found = browser.run(&format!("return {script}"));
        if &found == expected {
            Ok(())
        } else {
            Err(found)
        }
    });
}

#[test]
#[ignore = "needs Chromium: cargo xtask browser"]
fn an_open_page_follows_the_flag_and_a_refusal_by_itself() {
    let pod = Pod::start(&document("INFO", "false"));
    let browser = Browser::start(&json!({}));
    open(&browser, &pod);
    let ground = "getComputedStyle(document.body).backgroundColor";
    let old = browser.run(&format!("return {ground}"));
    assert_eq!(browser.title(), "The old look, generation 1");

    pod.publish(&document("INFO", "true"));
    wait_for(
        &browser,
        "document.title",
        &json!("The new look, generation 2"),
    );
    let found = browser.run(&format!(
        "return [document.documentElement.className, document.querySelector('main').dataset.look,
         document.querySelectorAll('.lag-bar').length, {ground} == '{}']",
        old.as_str().unwrap(),
    ));
    assert_eq!(found, json!(["new", "new", 1, false]));
    // Those who do not see it are told.
    wait_for(
        &browser,
        "document.getElementById('said').textContent",
        &json!("The new look, generation 2"),
    );

    pod.publish(&document("INFO", "maybe"));
    wait_for(
        &browser,
        "document.querySelectorAll('.refused pre').length",
        &json!(1),
    );
    assert_eq!(browser.title(), "The new look, generation 2");

    pod.publish(&document("INFO", "false"));
    wait_for(
        &browser,
        "document.title",
        &json!("The old look, generation 3"),
    );
    wait_for(&browser, ground, &old);
    assert_eq!(browser.run("return window.mark"), "still here");

    // Nobody answers any more: what is shown stays, and that it may be old is said.
    assert!(pod.terminate().0.success());
    wait_for(
        &browser,
        "document.getElementById('said').className",
        &json!("alone"),
    );
    assert_eq!(browser.title(), "The old look, generation 3");
}

#[test]
#[ignore = "needs Chromium: cargo xtask browser"]
fn an_open_page_follows_the_flag_without_javascript() {
    let pod = Pod::start(&document("INFO", "false"));
    let blocked = json!({"profile.managed_default_content_settings.javascript": 2});
    let browser = Browser::start(&blocked);
    browser.open(&format!("http://{}/", pod.address()));
    assert_eq!(browser.title(), "The old look, generation 1");
    // What stands there is an element only where no script runs.
    let elements = "return document.querySelectorAll('noscript > meta').length";
    assert_eq!(browser.run(elements), 1);
    pod.publish(&document("INFO", "true"));
    wait("the new look", || match browser.title() {
        title if title == "The new look, generation 2" => Ok(()),
        title => Err(title),
    });
}

#[test]
#[ignore = "needs Chromium: cargo xtask browser"]
fn no_look_is_wider_than_a_narrow_window() {
    let pod = Pod::start(&document("INFO", "false"));
    let browser = Browser::start(&json!({}));
    browser.resize(360, 800);
    open(&browser, &pod);
    for look in ["new", "old"] {
        let new_ui = (look == "new").to_string();
        pod.publish(&format!("{}  newUl: true\n", document("INFO", &new_ui)));
        wait_for(&browser, "document.documentElement.className", &json!(look));
        pod.publish(&document("WRAN", "maybe"));
        wait_for(
            &browser,
            "document.querySelectorAll('.refused pre').length",
            &json!(2),
        );
        let too_wide =
            "document.documentElement.scrollWidth - document.documentElement.clientWidth";
        assert_eq!(browser.run(&format!("return {too_wide}")), 0, "{look}");
    }
}
