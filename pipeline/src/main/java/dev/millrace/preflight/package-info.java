/// Decides whether a migration may start. All facts are collected once, pure checks judge them, and
/// each problem is reported as a finding with its remedy. Nothing is created on either side.
@NullMarked
package dev.millrace.preflight;

import org.jspecify.annotations.NullMarked;
