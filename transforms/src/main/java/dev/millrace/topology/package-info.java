/// Builds Kafka Streams topologies from mappings. Pure: `mappings` in the connectors module runs
/// them.
@NullMarked
package dev.millrace.topology;

import org.jspecify.annotations.NullMarked;
