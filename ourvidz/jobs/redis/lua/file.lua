-- File what Python has read, if it still lies at the end of its list.
take_in()
return {'ok'}
