/// The files that Compose and Kubernetes read, checked and run with neither engine nor cluster:
/// read strictly, judged by what they mean together, and their very commands and environments
/// started as processes. A checker takes a checkout, so that the tests can plant a fault in a copy
/// and see it told. What only an engine or a cluster can show is not known here.
@NullMarked
package dev.millrace.deploy;

import org.jspecify.annotations.NullMarked;
