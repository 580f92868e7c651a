//! What a `Rotating` takes: what its value takes, or what is current and what was before it.

use super::{At, put_aliases, value, ways};
use crate::json::Json;
use crate::rotating::{CURRENT, PREVIOUS};
use crate::schema::Shape;

pub(super) fn of(shape: &Shape, at: &At<'_>) -> Vec<Json> {
    let mut ways = ways(shape, at);
    // Beside a struct's own fields, there may be what was before.
    let beside = matches!(shape.inner(), Shape::Struct(_));
    let way = if beside { 0 } else { ways.len() };
    let mut properties = Json::map();
    let mut writings = Json::map();
    for part in [CURRENT, PREVIOUS] {
        let pointer = format!("{}/anyOf/{way}/properties/{part}", at.pointer);
        let at = At {
            pointer: &pointer,
            ..*at
        };
        properties.put(part, value(shape, &at, part == PREVIOUS));
        put_aliases(&mut properties, &mut writings, part, &[], &pointer);
    }
    match ways.first_mut().filter(|_| beside) {
        Some(object) => {
            for (key, more) in [("properties", properties), ("patternProperties", writings)] {
                if let Some(all) = object.get_mut(key) {
                    all.put_all(more);
                }
            }
        }
        None => ways.push(
            Json::map()
                .with("type", "object")
                .with("properties", properties)
                .with("patternProperties", writings)
                .with("additionalProperties", false)
                .with("minProperties", Json::number(1)),
        ),
    }
    ways
}
