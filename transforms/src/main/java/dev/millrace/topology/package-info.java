/// The mappings as a Kafka Streams topology. Pure: it runs nothing; `mappings` in the connectors
/// module runs it.
@NullMarked
package dev.millrace.topology;

import org.jspecify.annotations.NullMarked;
