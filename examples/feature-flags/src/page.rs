//! The page: one configuration, and what is known of it.

use std::fmt::Write;

use retune::Problem;
use retune::status::{Health, Status};

use crate::html::{Text, utc};
use crate::{Config, lag};

const DOCS: &str = "https://github.com/retune-rs/retune/blob/main";

/// The page in the look that `config` says. `status` may be newer: of what it tells, only what is not
/// of a later generation is shown.
pub(crate) fn render(config: &Config, generation: u64, status: &Status) -> String {
    let (look, lead) = match config.feature_flags.new_ui {
        false => ("old", "Plain and proven: <code>newUI</code> is off."),
        true => ("new", "Fresh and bright: <code>newUI</code> is on."),
    };
    let hash = match status.generation == generation {
        true => &status.hash,
        false => "being replaced",
    };
    let health = match status.health {
        Health::Ok => "ok",
        _ => "degraded",
    };
    let level = format!("{:?}", config.log_level).to_lowercase();
    let mut page = format!(
        "<!doctype html>\n\
         <html lang=\"en\" class=\"{look}\">\n\
         <head>\n\
         <meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>The {look} look, generation {generation}</title>\n\
         <link rel=\"icon\" href=\"data:,\">\n\
         <style>\n{css}</style>\n\
         <noscript><meta http-equiv=\"refresh\" content=\"5\"></noscript>\n\
         <script type=\"module\">\n{js}</script>\n\
         </head>\n\
         <body>\n\
         <p id=\"said\" role=\"status\"></p>\n\
         <main data-look=\"{look}\" data-generation=\"{generation}\">\n\
         <header><h1>Feature flags</h1><p>{lead}</p></header>\n",
        css = include_str!("page.css"),
        js = include_str!("follow.js"),
    );
    troubles(&mut page, status, generation);
    _ = write!(
        page,
        "<section class=\"facts\">\n<h2>What holds</h2>\n<dl>\n\
         <div><dt>Look</dt><dd id=\"look\">{look}</dd></div>\n\
         <div><dt>Log level</dt><dd id=\"level\">{level}</dd></div>\n\
         <div><dt>Generation</dt><dd id=\"generation\">{generation}</dd></div>\n\
         <div><dt>Hash</dt><dd id=\"hash\"><code>{hash}</code></dd></div>\n\
         <div><dt>Status</dt><dd id=\"health\" class=\"{health}\">{health}</dd></div>\n\
         </dl>\n</section>\n",
    );
    let history = status.history.iter();
    let bars = lag::last_changes(history.filter(|entry| entry.generation <= generation));
    page.push_str("<section class=\"took\">\n<h2>How long the last changes took</h2>\n<figure>\n");
    match bars.is_empty() {
        true => page.push_str("<p>None since the start.</p>\n"),
        false => page.push_str(&lag::picture(&bars)),
    }
    _ = write!(
        page,
        "<figcaption>From the kubelet’s rename of <code>..data</code>, with which an edit arrives in the \
         pod, until readers saw it and the last subscriber had returned. The way before, from \
         <code>kubectl</code> over the API server to the kubelet, cannot be seen from in here: \
         <a href=\"{DOCS}/docs/performance.md#lag-on-a-real-cluster\">it takes far longer</a>.</figcaption>\n\
         </figure>\n</section>\n\
         <footer>Generation {generation} in the {look} look. More of it: <a href=\"configz\">configz</a>, \
         <a href=\"metrics\">metrics</a>, <a href=\"lag.svg\">lag.svg</a></footer>\n\
         </main>\n</body>\n</html>\n",
    );
    page
}

/// What was refused, what else degrades it, and what is merely odd.
fn troubles(page: &mut String, status: &Status, generation: u64) {
    let mut problems = 0;
    if let Some(refused) = &status.rejection {
        _ = write!(
            page,
            "<section class=\"refused\">\n<h2>An edit was refused</h2>\n\
             <p>Since {}. All goes on as generation {generation} has it.</p>\n",
            utc(refused.since),
        );
        refused.problems.iter().for_each(|it| problem(page, it));
        page.push_str("</section>\n");
        problems = refused.problems.len();
    }
    // After those come a volume that is gone, a part that is stuck.
    for reason in status.reasons.iter().skip(problems) {
        let reason = Text(reason);
        _ = writeln!(page, "<section class=\"refused\"><p>{reason}</p></section>");
    }
    if !status.warnings.is_empty() {
        page.push_str("<section class=\"warned\">\n<h2>Odd, but not wrong</h2>\n");
        status.warnings.iter().for_each(|it| problem(page, it));
        page.push_str("</section>\n");
    }
}

/// What is wrong, what to do, and where.
fn problem(page: &mut String, problem: &Problem) {
    page.push_str("<p>");
    if !problem.path().is_empty() {
        _ = write!(page, "<code>{}</code>: ", Text(problem.path()));
    }
    page.push_str(&Text(problem.message()).to_string());
    if let Some(help) = problem.help() {
        _ = write!(page, " <em>({})</em>", Text(help));
    }
    page.push_str("</p>\n");
    if let Some(excerpt) = problem.excerpt() {
        _ = writeln!(page, "<pre tabindex=\"0\">{}</pre>", Text(excerpt));
    }
}
