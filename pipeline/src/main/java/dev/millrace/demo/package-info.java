/// The demonstration: a shop with live traffic, migrated into a reshaped schema between two local
/// servers. It stops everything that it starts. Knows the service only by its file and its HTTP
/// interface.
@NullMarked
package dev.millrace.demo;

import org.jspecify.annotations.NullMarked;
