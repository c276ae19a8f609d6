/// Checks and runs the files for Compose and Kubernetes without a container engine or a cluster.
/// Files are read strictly, references between them are checked, and their commands run as
/// processes with their environments. A check takes a checkout, so that tests can plant a fault in
/// a copy and require that it is reported. Behaviour that only an engine or a cluster shows is not
/// tested.
@NullMarked
package dev.millrace.deploy;

import org.jspecify.annotations.NullMarked;
