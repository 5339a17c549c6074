"""What can be found wrong with an application before it serves. Pure: settings and rules in, findings out."""
