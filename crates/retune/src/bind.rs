//! From a source's own names to the fields of the schema.
use crate::node::Node;
use crate::schema::Shape;

pub(crate) fn to_shape(node: Node, _shape: &Shape) -> Node {
    node
}
