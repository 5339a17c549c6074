"""One blueprint per part of the site. Views read the request and speak no SQL."""
