# Quart's names of modules and of the class.
s/^(from|import) quart/\1 costrel/
s/(^|[^A-Za-z0-9_])Quart([^A-Za-z0-9_]|$)/\1Costrel\2/g
s/^from costrel import ResponseReturnValue$/from costrel.typing import ResponseReturnValue/

# What is a plain call or attribute here.
s/await (request\.(get_data|get_json|data|files|form|json|values))/\1/g
s/await ((flash|make_response|send_file|send_from_directory|stream_template|stream_template_string)\()/\1/g
s/await ((r|res|response)\.(get_data|get_json|data|json))/\1/g

# What has a name of its own where it may wait.
s/(^|[^A-Za-z0-9_])((render|stream)_template(_string)?)([^A-Za-z0-9_]|$)/\1a\2\5/g
s/request\.body([^A-Za-z0-9_]|$)/request.stream\1/g
