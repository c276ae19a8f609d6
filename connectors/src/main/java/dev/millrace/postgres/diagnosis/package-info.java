/// What a person needs to know of a server to find the cause of a problem, without any statement or
/// row of an application.
@NullMarked
package dev.millrace.postgres.diagnosis;

import org.jspecify.annotations.NullMarked;
