/// One running generation of a replication stream: how it begins, its components, its lag, and what
/// a comparison and a switchover need of it. Both directions of a migration use it. Knows no phase.
@NullMarked
package dev.millrace.replication;

import org.jspecify.annotations.NullMarked;
